"""Many persons erased at once, and what a restore does not lose of requests that were answered since."""

from __future__ import annotations

import pytest

from operations.backups import backup, restore
from operations.removal import erasure
from operations.rights import erasures, rotation, subjects
from operations.rights.requests import RequestBook
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page
from tests.kit.prebuilt import copy_of


def _zone(folder):
    return Zone(folder, regions={"eu": {"consent_default": "granted"}})


def _load(folder):
    made = _zone(folder)
    with exclusive(made.settings):
        seen = [(user, f"{user}-phone") for user in ("ann", "bob", "cat", "dan")] + [(None, "tablet")]
        made.archive(*[page(messageId=f"m-{n}", userId=user, anonymousId=one) for n, (user, one) in enumerate(seen)])
        made.load()


@pytest.fixture
def zone(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    copy_of(_load, tmp_path)
    return _zone(tmp_path)


def left(zone: Zone) -> int:
    return zone.query("select count(*) from raw.events where not is_anonymised")[0][0]


def test_a_batch_is_one_rewrite_with_a_request_for_each_person(zone, monkeypatch):
    rewritten, real = [], erasure.rewrite_region_file
    monkeypatch.setattr(erasure, "rewrite_region_file", lambda *given: (rewritten.append(given), real(*given)))
    persons = [
        Subject(user_id="ann"),
        Subject(anonymous_id="bob-phone"),
        Subject(user_id="bob"),
        Subject(user_id="cat"),
    ]
    outcome = subjects.erase(zone.settings, persons, None)
    assert outcome.failures == {}
    assert left(zone) == 2
    assert len(rewritten) == 1
    made = outcome.erasures["eu"]
    assert len(made) == 3, "Bob was named twice"
    assert all(one.done_at and one.steps["removed"]["of_requests"] == 3 for one in made)
    assert set(RequestBook(zone.settings, "eu").requests()) == {one.id for one in made}


@pytest.mark.parametrize("dies_at", ["erasures.suppress", "erasures.remove", "_republish"])
def test_a_batch_that_dies_and_is_asked_for_again_ends_the_same(zone, monkeypatch, dies_at):
    persons, calls = [Subject(user_id=one) for one in ("ann", "bob", "cat")], iter(range(10))
    with monkeypatch.context() as patch:
        *module, name = dies_at.split(".")
        place = erasures if module else subjects
        real = getattr(place, name)

        def dying(*given):
            if next(calls) == (1 if name == "suppress" else 0):
                raise KeyboardInterrupt
            return real(*given)

        patch.setattr(place, name, dying)
        with pytest.raises(KeyboardInterrupt):
            subjects.erase(zone.settings, persons, None)
    outcome = subjects.erase(zone.settings, persons, None)
    assert (outcome.failures, left(zone)) == ({}, 2)
    assert len(RequestBook(zone.settings, "eu").requests()) == 3


@pytest.mark.parametrize("is_rotated", [False, True])
def test_a_restore_to_before_it_keeps_whose_a_device_is(zone, is_rotated):
    key = region_key(zone.warehouse, "eu", "pseudonym")
    made = backup.back_up(zone.settings)
    subjects.rectify(zone.settings, Subject(user_id="ann", anonymous_id="tablet"), None)
    subjects.rectify(zone.settings, Subject(user_id="bob", anonymous_id="tablet"), None)
    owned = zone.query("from ops.device_owners")
    names = [pseudonym(key, "anonymous", "tablet"), pseudonym(key, "user", "bob")]
    assert [one.hex for one in owned[0]] == names
    book = (zone.warehouse / "books" / "eu" / "owners.jsonl").read_text()
    assert not [one for one in names if one in book], "the book names nobody"
    if is_rotated:
        rotation.rotate(zone.settings, "eu")
        subjects.rectify(zone.settings, Subject(user_id="cat", anonymous_id="tablet"), None)
        owned = zone.query("from ops.device_owners")
    restore.restore(zone.settings, made.folder, force=True)
    assert zone.query("from ops.device_owners") == owned
    assert zone.query("select count(*) > 0 from ops.changes where kind = 'event'") == [(True,)]
    subjects.erase(zone.settings, Subject(user_id="cat" if is_rotated else "bob"), None)
    restore.restore(zone.settings, made.folder, force=True)
    assert zone.query("from ops.device_owners") == [], "who was erased since owns nothing"


def test_books_of_requests_can_be_merged(zone, tmp_path):
    subjects.look(zone.settings, Subject(user_id="ann"), "access", None)
    other = Zone(tmp_path / "other", regions={"eu": {}})
    theirs = RequestBook(other.settings, "eu")
    theirs.open("abc", "export")
    ours = RequestBook(zone.settings, "eu")
    assert ours.merge(other.warehouse / "books" / "eu" / "requests.jsonl") == 1
    assert len(ours.requests()) == 2
