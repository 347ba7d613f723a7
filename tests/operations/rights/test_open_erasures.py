"""An erasure that could not look everywhere is open, says what is missing, and ends by itself when it can."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from ingestion import local_files
from operations.backups import backup
from operations.backups.restore import restore
from operations.register.register_audit import audit
from operations.removal import erasure
from operations.rights import erasures, open_erasures, rotation, subjects
from operations.rights.requests import Request, RequestBook, unfinished_lines
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from privacy.keys import key_file
from privacy.suppression_book import SuppressionBook
from settings import TransientError
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page
from tests.kit.examples import some
from tests.kit.prebuilt import copy_of
from tests.operations.store.memory.shop import Shop

EMAIL = "Ann.Roe@shop.example"
PERSONS = "select count(*) from raw.events where not is_anonymised"


def _zone(folder: Path) -> Zone:
    return Zone(folder, regions={"eu": {"consent_default": "granted"}}, privacy={"encryption_at_rest": False})


def _load(folder: Path) -> None:
    made = _zone(folder)
    with exclusive(made.settings):
        made.archive(
            page(messageId="m-1", userId="user-of-ann", anonymousId="phone-of-ann"),
            order(messageId="m-2", userId="user-of-ann", anonymousId="phone-of-ann"),
            page(messageId="m-3", userId=None, anonymousId="phone-of-ann"),
            page(messageId="m-4", userId="user-of-bob", anonymousId="phone-of-bob"),
        )
        made.load()


@pytest.fixture
def zone(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    copy_of(_load, tmp_path)
    return _zone(tmp_path)


def with_email(zone: Zone, start: int = 100, suffix: str = "json"):
    """An archive that alone ties the address to the user."""
    traits = {"traits": {"email": EMAIL.upper()}}
    return zone.archive(
        page(messageId="m-9", userId="user-of-ann", anonymousId=None, context=traits), start=start, suffix=suffix
    )


def erase(zone: Zone, **who: str) -> tuple[subjects.Outcome, Request]:
    outcome = subjects.erase(zone.settings, Subject(**who), None)
    (request,) = outcome.erasures["eu"]
    return outcome, request


def run(zone: Zone) -> Request:
    """What a run does about erasures; the one that there is."""
    with exclusive(zone.settings):
        open_erasures.look_again(zone.settings, "eu")
        erasure.enforce(zone.settings, "eu")
        zone.load()
        erasures.conclude(zone.settings)
    (request,) = RequestBook(zone.settings, "eu").requests().values()
    return request


def assert_open(zone: Zone, outcome: subjects.Outcome, request: Request, words: str) -> None:
    assert outcome.exit_code == 1
    assert request.done_at is None
    assert request.outcome == "open"
    assert words in " ".join(map(str, request.missing))
    assert [one for one in unfinished_lines(zone.settings) if request.id in one and words in one]
    assert [one for one in audit(zone.settings, lambda _: {}) if request.id in one and words in one]


def assert_ended(request: Request, events: int) -> None:
    assert request.done_at is not None
    assert request.outcome == "erased"
    assert request.steps["removed"]["events"] == events


def test_without_a_landing_zone_an_address_cannot_be_looked_up_and_the_next_run_does_it(zone):
    with_email(zone)
    away = zone.landing.rename(zone.folder / "away")
    outcome, request = erase(zone, email=EMAIL)
    assert_open(zone, outcome, request, "no landing zone at")
    assert zone.query(PERSONS) == [(4,)], "she is still there, and the request says so"
    away.rename(zone.landing)
    ended = run(zone)
    assert ended.id == request.id
    assert_ended(ended, 3)
    assert zone.query(PERSONS) == [(1,)]
    assert zone.fates()["suppressed"] == 1, "the archive came in after her tombstones"
    assert unfinished_lines(zone.settings) == []


def test_an_empty_landing_zone_of_a_region_that_has_loaded_is_one_that_is_away(zone):
    shutil.rmtree(zone.landing / "eu")
    outcome, request = erase(zone, user_id="user-of-ann")
    assert_open(zone, outcome, request, "the folder of region eu is gone from the landing zone")
    assert zone.query(PERSONS) == [(1,)], "what could be removed is removed at once"
    (zone.landing / "eu").mkdir()
    assert_ended(run(zone), 3)


@pytest.mark.parametrize("then", ["whole", "gone"])
def test_a_corrupt_archive_keeps_it_open_until_it_is_whole_or_gone(zone, then):
    path = with_email(zone, suffix="json.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    outcome, request = erase(zone, email=EMAIL)
    assert_open(zone, outcome, request, f"the archive events/topics/web/partition=0/{path.name} cannot be read: gzip")
    looks = len(run(zone).looks)
    assert len(run(zone).looks) == looks, "a run that finds nothing new looks no further"
    if then == "gone":
        path.unlink()
        ended = run(zone)
        assert (ended.outcome, zone.query(PERSONS)) == ("nobody_found", [(4,)])
    else:
        path.write_bytes(gzip.compress(gzip.decompress(whole)))
        assert_ended(run(zone), 3)
        assert zone.query(PERSONS) == [(1,)]


def test_a_region_whose_file_cannot_be_opened_is_looked_into_later_with_all_that_it_knows(zone):
    path = zone.settings.region_file("eu")
    kept = path.rename(zone.folder / "kept")
    path.write_bytes(b"no database")
    outcome, request = erase(zone, user_id="user-of-ann")
    assert_open(zone, outcome, request, "the file of region eu")
    again, same = erase(zone, user_id="user-of-ann")
    assert_open(zone, again, same, "the file of region eu")
    assert same.id == request.id
    os.replace(kept, path)
    assert_ended(run(zone), 3)
    assert zone.query(PERSONS) == [(1,)], "her phone is hers, which the file alone knows"


@pytest.mark.parametrize("by", ["rotation", "restore"])
def test_what_takes_rows_out_before_the_next_run_loses_no_device_of_an_open_erasure(zone, by):
    """Both take out whoever has a tombstone; whose the phone is, is known by rows that go with that."""
    made = backup.back_up(zone.settings)
    path = zone.settings.region_file("eu")
    kept = path.rename(zone.folder / "kept")
    path.write_bytes(b"no database")
    _, request = erase(zone, user_id="user-of-ann")
    if by == "restore":
        restore(zone.settings, made.folder, force=True)
    else:
        os.replace(kept, path)
        rotation.rotate(zone.settings, "eu")
    assert zone.query(PERSONS) == [(1,)]
    assert run(zone).id == request.id


def test_a_region_whose_file_is_gone_is_not_one_where_nobody_is(zone, monkeypatch):
    monkeypatch.setattr("operations.rights.erasing.shown_regions", lambda _: {"eu": {}})  # as it was published
    kept = zone.settings.region_file("eu").rename(zone.folder / "kept")
    unconfigured = zone.settings.model_copy(update={"regions": None})
    outcome = subjects.erase(unconfigured, Subject(user_id="user-of-ann"), None)
    assert_open(zone, outcome, outcome.requests["eu"], "the file of region eu is gone")
    os.replace(kept, zone.settings.region_file("eu"))
    assert_ended(run(zone), 3)


def test_without_its_key_a_region_keeps_nothing_of_who_is_meant_and_asks_again(zone):
    keys = key_file(zone.warehouse)
    away = keys.rename(zone.folder / "away.keys")
    outcome, request = erase(zone, user_id="user-of-ann")
    assert not keys.exists(), "no key is made in its place"
    away.rename(keys)
    assert_open(zone, outcome, request, "nothing was kept of who is meant")
    assert run(zone).done_at is None
    outcome = subjects.erase(zone.settings, Subject(user_id="user-of-ann"), None, request=request.id)
    assert outcome.exit_code == 0
    assert [one.id for one in outcome.erasures["eu"]] == [request.id]
    assert_ended(outcome.requests["eu"], 3)


def test_the_same_command_ends_it_too_as_one_request(zone):
    with_email(zone)
    away = zone.landing.rename(zone.folder / "away")
    erase(zone, email=EMAIL)
    away.rename(zone.landing)
    outcome, request = erase(zone, email=EMAIL)
    assert outcome.exit_code == 0
    assert_ended(request, 3)
    assert len(RequestBook(zone.settings, "eu").requests()) == 1


def test_nothing_in_clear_is_kept_of_an_open_erasure(zone):
    with_email(zone)
    zone.landing.rename(zone.folder / "away")
    _, request = erase(zone, email=EMAIL)
    places = [zone.warehouse, key_file(zone.warehouse), key_file(zone.warehouse).parent / "warehouse.keys.tombstones"]
    files = [one for place in places for one in (place.rglob("*") if place.is_dir() else [place]) if one.is_file()]
    texts = {one: one.read_text(errors="replace").casefold() for one in files}
    assert [one for one, text in texts.items() if request.id in text], "the control: the request is found"
    for word in ("ann.roe", "user-of-ann", "phone-of-ann"):
        assert not [one for one, text in texts.items() if word in text]


def test_dead_letters_that_quote_the_address_go_when_the_region_can_be_read_again(zone):
    zone.archive('{"note": "call Ann.Roe@shop.example"', '{"userId": "user-of-bob", ', start=200)
    zone.load()
    path = zone.settings.region_file("eu")
    kept = path.rename(zone.folder / "kept")
    path.write_bytes(b"no database")
    erase(zone, email=EMAIL)
    os.replace(kept, path)
    assert run(zone).steps["removed"]["dead_letters"] == 1
    assert zone.query("select record_offset from ops.dead_letters") == [(1,)]


def test_a_killed_erasure_ends_with_the_next_run(zone, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(erasures, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase(zone, user_id="user-of-ann")
    assert_ended(run(zone), 3)
    assert zone.query(PERSONS) == [(1,)]


def test_a_lost_book_of_requests_is_written_anew_from_the_tombstones(zone):
    with_email(zone)
    away = zone.landing.rename(zone.folder / "away")
    _, request = erase(zone, email=EMAIL)
    shutil.rmtree(zone.warehouse / "books" / "eu")
    assert any("lacks 1 erasures that have tombstones" in one for one in audit(zone.settings, lambda _: {}))
    away.rename(zone.landing)
    ended = run(zone)
    assert ended.id == request.id
    assert_ended(ended, 3)
    assert zone.query(PERSONS) == [(1,)]


def test_an_answer_to_a_person_says_where_it_could_not_look(zone):
    zone.landing.rename(zone.folder / "away")
    outcome = subjects.look(zone.settings, Subject(email=EMAIL), "access", None)
    assert outcome.exit_code == 1
    assert "no landing zone at" in str(outcome.missing["eu"][0])


@pytest.mark.parametrize(
    "given", some(["\ufeffuser-of-ann\u00a0", "user-of-ann ", "\tuser-of-ann", "user-of-ann"], fast=1)
)
def test_blanks_around_an_identifier_hide_nobody(zone, given):
    outcome, request = erase(zone, user_id=given)
    assert (outcome.exit_code, request.outcome) == (0, "erased")
    assert zone.query(PERSONS) == [(1,)]


def test_a_typo_finds_nobody_and_says_what_was_searched(zone):
    zone.archive(page(messageId="m-8", userId="user-of-cat"), start=300)
    outcome, request = erase(zone, user_id="user-of-anne")
    assert (outcome.exit_code, request.outcome, outcome.unknown) == (0, "nobody_found", [0])
    last = request.looks[-1]
    assert (last.events, last.archives, last.archive_records) == (4, 1, 1), "the archive that is not loaded"
    assert len(SuppressionBook(zone.warehouse, "eu").requests()) == 1, "a standing tombstone"
    outcome, request = erase(zone, user_id="user-of-cat")
    assert (outcome.exit_code, request.looks[-1].met) == (0, 1), "an archive that is to be loaded knows her"
    outcome, request = erase(zone, user_id="user-of-cat")
    assert (outcome.exit_code, request.outcome) == (0, "erased")


def test_who_was_erased_before_is_no_typo(zone):
    erase(zone, user_id="user-of-ann")
    outcome, request = erase(zone, user_id="user-of-ann")
    assert (outcome.exit_code, request.outcome) == (0, "erased_before")


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(zone, monkeypatch):
    real = os.scandir

    def refused(folder):
        if not isinstance(folder, int) and zone.landing in Path(folder).parents:  # rmtree gives descriptors
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    with monkeypatch.context() as patch:
        patch.setattr(local_files.os, "scandir", refused)
        with pytest.raises(TransientError, match=r"the folder .*/eu/.* cannot be read: Permission denied"):
            zone.load()
        outcome, request = erase(zone, email=EMAIL)
        assert_open(zone, outcome, request, "cannot be read: Permission denied")
    assert run(zone).outcome == "nobody_found"


def _load_two(folder: Path) -> None:
    shop = Shop(folder, privacy={"encryption_at_rest": False})
    shop.land(1)
    shop.ingest()
    shutil.copy(shop.file, folder / "older.duckdb")
    shop.land(2)
    shop.ingest()


@pytest.fixture
def remembered(tmp_path, monkeypatch):
    """A region of two archives, each with a view of one device, that is remembered and was never published."""
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    copy_of(_load_two, tmp_path)
    shop = Shop(tmp_path, privacy={"encryption_at_rest": False})
    shop.older = tmp_path / "older.duckdb"
    return shop


def run_remembered(shop: Shop) -> Request:
    with exclusive(shop.settings):
        open_erasures.look_again(shop.settings, "eu")
        erasure.enforce(shop.settings, "eu")
        shop.ingest()
        erasures.conclude(shop.settings)
    (request,) = RequestBook(shop.settings, "eu").requests().values()
    return request


def test_an_older_copy_of_a_regions_file_is_not_all_there_is_to_look_in(remembered):
    shutil.copy(remembered.older, remembered.file)
    outcome, request = erase(remembered, anonymous_id="a-1")
    assert_open(remembered, outcome, request, "is an older copy of the file that was published from")
    assert remembered.query(PERSONS) == [(0,)], "what is at hand is taken out all the same"
    assert run_remembered(remembered).done_at is None, "it looks before the archives are loaded again"
    assert run_remembered(remembered).done_at is not None
    assert remembered.query(PERSONS) == [(0,)]


def test_a_remembered_regions_file_that_is_gone_leaves_an_erasure_open_though_nothing_was_published(remembered):
    remembered.file.unlink()
    outcome, request = erase(remembered, anonymous_id="a-1")
    assert_open(remembered, outcome, request, "the file of region eu is gone: restore a backup")
    assert run_remembered(remembered).done_at is None
    assert run_remembered(remembered).done_at is not None
    assert remembered.query(PERSONS) == [(0,)]
