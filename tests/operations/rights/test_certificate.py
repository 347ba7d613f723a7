"""The certificate of an erasure: what it says is what was done, it names nobody, and a changed byte shows."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from operations.backups import backup
from operations.rights import subjects
from operations.rights.certificate import certificate, verify
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from orchestration.cli.main import main
from privacy.keys import Key, region_key
from privacy.pseudonyms import pseudonym
from privacy.signing import ForgedError, as_pem, fingerprint, public_key, signed
from settings import UsageError
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page
from tests.kit.prebuilt import copy_of

WHO, DEVICE = "jane.roe@shop.example", "device-of-jane"


def _load(folder):
    made = Zone(folder)
    with exclusive(made.settings):
        made.archive(
            page(messageId="m-1", userId=WHO, anonymousId=DEVICE), order(messageId="m-2", userId=WHO),
            page(messageId="m-3"), f'{{"userId": "{WHO}", ',
        )  # fmt: skip
        made.load()


@pytest.fixture
def zone(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    copy_of(_load, tmp_path)
    return Zone(tmp_path)


@pytest.fixture
def erased(zone):
    backup.back_up(zone.settings)
    (request,) = subjects.erase(zone.settings, Subject(email=WHO), None).erasures["eu"]
    return request


def test_it_says_what_was_searched_and_removed_and_where_and_is_signed(zone, erased):
    text = certificate(zone.settings, erased.id)
    said = verify(zone.settings, text)
    assert (said["request"], said["state"], said["outcome"]) == (erased.id, "done", "erased")
    assert said["searched"] | {"first_at": 0, "last_at": 0} == {
        "file": "regions/eu.duckdb", "looks": 1, "events": 3, "dead_letters": 1, "archives": 1, "archive_records": 4,
        "first_at": 0, "last_at": 0,
    }  # fmt: skip
    assert said["named_the_person"]["rows_by_table"] == {"raw.events": 2}
    assert said["removed"] == {"events": 2, "orders_made_anonymous": 1, "dead_letters": 1, "counted_for_requests": 1,
                               "file_written_anew": True}  # fmt: skip
    assert said["tombstones"] == 3, "the user's, and those of two devices"
    assert said["backups"] == {"at_hand": 1, "gone_by": "2026-04-14"}
    assert "but for the last one that came back on trial" in text
    key = region_key(zone.warehouse, "eu", "certificate", make=False)
    assert json.loads(text)["signature"]["by"] == fingerprint(public_key(key))
    assert text == certificate(zone.settings, erased.id), "asked again at the same moment, it is the same"


def test_it_names_nobody(zone, erased):
    text = certificate(zone.settings, erased.id)
    key = region_key(zone.warehouse, "eu", "pseudonym", make=False)
    books = (zone.warehouse / "books" / "eu" / "suppression.jsonl").read_text().splitlines()
    names = [
        pseudonym(key, "user", WHO),
        pseudonym(key, "anonymous", DEVICE),
        *(json.loads(one)["mark"] for one in books),
    ]
    for name in (WHO, "jane", "roe@", DEVICE, *names):
        assert name not in text.casefold()


def test_a_changed_byte_fails(zone, erased):
    text = certificate(zone.settings, erased.id)
    public = public_key(region_key(zone.warehouse, "eu", "certificate", make=False))
    for at in range(0, len(text), 7):
        with pytest.raises(ForgedError):
            verify(zone.settings, text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :], public)
    with pytest.raises(ForgedError):
        verify(zone.settings, signed(Key("eu", "certificate", bytes(32)), json.loads(text)))
    other = signed(region_key(zone.warehouse, "eu", "certificate"), {"region": "eu", "format": "a closed month"})
    with pytest.raises(ForgedError, match="no romi erasure certificate"):
        verify(zone.settings, other)


def test_what_is_not_done_cannot_be_certified(zone):
    zone.landing.rename(zone.folder / "away")
    (request,) = subjects.erase(zone.settings, Subject(email=WHO), None).erasures["eu"]
    with pytest.raises(UsageError, match="is not done, so nothing can be certified: no landing zone at"):
        certificate(zone.settings, request.id)
    with pytest.raises(UsageError, match=f"unknown erasure 'nothing'; known: {request.id}"):
        certificate(zone.settings, "nothing")


def test_on_the_command_line_it_is_written_verified_and_refused(zone, erased, tmp_path):
    def romi(*arguments: str):
        return CliRunner().invoke(main, [*arguments, "--warehouse", str(zone.warehouse)])

    written = romi("dsar", "status", "--certificate", erased.id)
    assert written.exit_code == 0
    file, key = tmp_path / "certificate.json", tmp_path / "key.pem"
    file.write_text(written.output)
    key.write_text(romi("keys", "public", "--region", "eu").output)
    for extra in ((), ("--public-key", str(key))):
        done = romi("dsar", "status", "--verify", str(file), *extra)
        assert done.exit_code == 0, done.output
        assert f"genuine: erasure {erased.id} of region eu, done at" in done.output
    file.write_text(written.output.replace('"events": 2', '"events": 3', 1))
    assert romi("dsar", "status", "--verify", str(file)).exit_code == 1
    file.write_text(written.output)
    key.write_text(as_pem(public_key(Key("eu", "certificate", bytes(32)))))
    assert romi("dsar", "status", "--verify", str(file), "--public-key", str(key)).exit_code == 1
    assert romi("dsar", "status", "--verify", str(tmp_path / "none")).exit_code == 2
