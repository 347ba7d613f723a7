"""`romi dsar`: exit codes, the question before an erasure, and that no identifier is ever printed or logged."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from operations.store.locks import exclusive
from orchestration.cli.main import main
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page
from tests.kit.prebuilt import copy_of

WHO = "jane.roe@shop.example"


def _load(folder):
    zone = Zone(folder)
    (zone.landing / "us").mkdir()
    with exclusive(zone.settings):
        zone.archive(page(messageId="m-1", userId=WHO), order(messageId="m-2", userId=WHO), page(messageId="m-3"))
        zone.load()


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    copy_of(_load, tmp_path)
    return Zone(tmp_path)


def dsar(zone, *arguments, answer=None, as_json=True):
    options = ["--warehouse", str(zone.warehouse), *(["--json"] if as_json else [])]
    result = CliRunner().invoke(main, ["dsar", *arguments, *options], input=answer)
    return result.exit_code, json.loads(result.stdout) if as_json else result.output


def test_an_erasure_is_booked_and_done_and_names_nobody(loaded):
    code, told = dsar(loaded, "erase", "--user-id", WHO, "--yes")
    assert code == 0
    (request,) = told["requests"]
    assert (request["state"], request["clock"], request["due_at"][:10]) == ("done", "gdpr", "2026-04-10")
    assert request["steps"]["removed"] | {"at": 0} == {"at": 0, "events": 2, "orders": 1, "dead_letters": 0}
    assert loaded.query("select count(*), count(order_id), count(user_id) from raw.events") == [(2, 1, 1)]
    code, listed = dsar(loaded, "status")
    assert (code, [one["id"] for one in listed["requests"]], listed["overdue"]) == (0, [request["id"]], 0)
    everything = json.dumps([told, listed]) + "".join(
        path.read_text(errors="replace") for path in loaded.warehouse.rglob("*") if path.is_file()
    )
    assert WHO not in everything
    assert "jane.roe" not in dsar(loaded, "status", as_json=False)[1]


def test_it_asks_first_and_no_answer_is_no(loaded):
    for answer in ("n\n", "", "perhaps\n"):
        code, said = dsar(loaded, "erase", "--user-id", WHO, answer=answer, as_json=False)
        assert code == 2
        assert "nothing was erased" in said
    assert dsar(loaded, "erase", "--user-id", WHO)[0] == 2
    assert loaded.query("select count(user_id) from raw.events") == [(3,)]
    code, said = dsar(loaded, "erase", "--user-id", WHO, answer="y\n", as_json=False)
    assert code == 0
    assert "2 events removed, 1 orders made anonymous" in said
    assert WHO not in said


@pytest.mark.parametrize(
    "arguments",
    [["erase", "--yes"], ["access"], ["export", "--region", "mars", "--user-id", "u"], ["access", "--user-id", ""]],
)
def test_wrong_usage_is_told_in_one_line(loaded, arguments):
    code, told = dsar(loaded, *arguments)
    assert (code, told["exit_code"]) == (2, 2)


def test_a_warehouse_that_is_not_there_is_not_made(tmp_path):
    zone = Zone(tmp_path / "none")
    code, told = dsar(zone, "erase", "--user-id", WHO, "--yes")
    assert code == 2
    assert "no warehouse" in told["error"]
    assert not zone.warehouse.exists()


def test_an_export_is_a_new_file_for_its_owner_alone(loaded, tmp_path):
    output = tmp_path / "export.json"
    code, told = dsar(loaded, "export", "--email", WHO, "--output", str(output))
    assert code == 0
    assert "held" not in told
    assert output.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(output.read_text())["held"]["eu"]["raw.events"]) == 2
    assert dsar(loaded, "export", "--email", WHO, "--output", str(output))[0] == 2
    code, shown = dsar(loaded, "access", "--user-id", WHO)
    assert len(shown["held"]["eu"]["raw.events"]) == 2
    assert "raw.events" in dsar(loaded, "access", "--user-id", WHO, as_json=False)[1]


def test_whom_nobody_knows_is_kept_out_all_the_same(loaded):
    code, told = dsar(loaded, "erase", "--anonymous-id", "never-seen", "--yes", "--region", "eu")
    assert (code, told["outcome"], told["nobody_found"]) == (0, "nobody_found", [1])
    assert told["requests"][0]["steps"]["tombstones"]["tombstones"] == 1
    loaded.archive(page(messageId="m-9", anonymousId="never-seen", userId="u-9", context={}), start=100)
    loaded.load()
    assert loaded.fates()["suppressed"] == 1


def test_a_region_that_fails_is_named_and_holds_back_no_other(loaded):
    (loaded.warehouse / "books" / "eu").mkdir(parents=True, exist_ok=True)
    (loaded.warehouse / "books" / "eu" / "suppression.jsonl").write_text("{")
    other = Zone(loaded.folder, region="us")
    other.archive(page(messageId="m-1", userId=WHO))
    other.load()
    code, told = dsar(loaded, "erase", "--user-id", WHO, "--yes")
    assert code == 1
    assert [(one["region"], one["state"]) for one in told["requests"]] == [("eu", "open"), ("us", "done")]
    assert "restore it first" in told["requests"][0]["missing"][0]
    assert other.query("select count(*) from raw.events") == [(0,)]


def test_an_open_request_is_overdue_when_its_clock_has_run_out(loaded, monkeypatch):
    from operations.rights.requests import RequestBook

    RequestBook(loaded.settings, "eu").open("r1", "erase")
    assert dsar(loaded, "status")[1]["requests"][0]["state"] == "open"
    monkeypatch.setenv("ROMI_NOW", "2026-04-10T12:00:01Z")
    assert dsar(loaded, "status")[1]["overdue"] == 1


def test_dead_letters_that_quote_the_person_go_and_others_stay(loaded):
    loaded.archive(
        '{"messageId": "d-1", "userId": "jane.roe@shop.example", ', '{"traits": {"email": "Jane.Roe@shop.example"}',
        '{"userId": "not.jane.roe@shop.example", ', '{"userId": "u-7", "n": 5}', "nonsense", start=200,
    )  # fmt: skip
    loaded.load()
    code, told = dsar(loaded, "erase", "--email", WHO, "--yes", "--region", "eu")
    assert (code, told["requests"][0]["steps"]["removed"]["dead_letters"]) == (0, 2)
    assert loaded.query("select record_offset from ops.dead_letters order by all") == [(2,), (3,), (4,)]
    assert loaded.fates()["dead_letter"] == {"malformed_json": 4, "missing_field": 1}, "the books keep their fate"


def test_a_short_number_is_found_as_an_id_and_not_in_every_other_number(loaded):
    loaded.archive('{"userId": 1234, "messageId": "x"}', '{"userId": "u-8", "revenue": 1234}', start=200)
    loaded.load()
    dsar(loaded, "erase", "--user-id", "1234", "--yes", "--region", "eu")
    assert loaded.query("select record_offset from ops.dead_letters") == [(1,)]


def test_an_erasure_that_was_cut_short_takes_in_what_is_learned_since(loaded, monkeypatch):
    from operations.rights import erasures

    with monkeypatch.context() as patch:
        patch.setattr(erasures, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert dsar(loaded, "erase", "--user-id", WHO, "--yes", "--region", "eu")[0] == 1
    traits = {"context": {"traits": {"email": WHO}, "consent": {"categoryPreferences": {"Analytics": True}}}}
    loaded.archive(page(messageId="m-8", userId="u-other", anonymousId="a-other", **traits), start=300)
    loaded.load()
    code, _ = dsar(loaded, "erase", "--email", WHO, "--yes", "--region", "eu")
    assert code == 0
    assert len(dsar(loaded, "status")[1]["requests"]) == 1
    assert loaded.query("select count(*) from raw.events where user_id is not null") == [(1,)]


def test_a_file_names_several_and_wrong_ones_are_refused(loaded, tmp_path):
    listed = tmp_path / "persons.csv"
    listed.write_text(f"user_id,anonymous_id\n{WHO},\nnobody,\n")
    assert dsar(loaded, "erase", "--file", str(listed), "--user-id", WHO, "--yes")[0] == 2
    code, told = dsar(loaded, "erase", "--file", str(listed), "--yes")
    assert (code, [one["state"] for one in told["requests"]]) == (0, ["done"] * len(told["requests"]))
    assert told["nobody_found"] == [2], "the second of the list"
    assert loaded.query("select count(user_id) from raw.events") == [(1,)]
    for text in ("name\njane\n", "user_id\n\n", ""):
        listed.write_text(text)
        code, told = dsar(loaded, "erase", "--file", str(listed), "--yes")
        assert code == 2
        assert "jane" not in told["error"]


def test_the_public_key_of_a_region_can_be_handed_out(loaded):
    from privacy.keys import region_key
    from privacy.signing import from_pem, public_key

    places = ["--warehouse", str(loaded.warehouse)]
    pem = CliRunner().invoke(main, ["keys", "public", "--region", "eu", *places])
    assert pem.exit_code == 0
    assert from_pem(pem.output) == public_key(region_key(loaded.warehouse, "eu", "certificate", make=False))
    assert CliRunner().invoke(main, ["keys", "public", "--region", "mars", *places]).exit_code == 2


def test_an_open_erasure_and_nobody_found_are_said_in_words(loaded):
    code, said = dsar(loaded, "erase", "--user-id", " nobody-of-this-name ", "--yes", "--region", "eu", as_json=False)
    assert code == 0
    assert "blanks around an identifier were trimmed" in said
    assert (
        "nobody was found in 3 events and 0 dead letters of region eu and 0 records of 0 archives; a tombstone" in said
    )
    away = loaded.landing.rename(loaded.folder / "away")
    code, said = dsar(loaded, "erase", "--email", WHO, "--yes", "--region", "eu", as_json=False)
    assert code == 1
    assert "not done yet; so far 2 events removed" in said
    assert "is open: no landing zone at" in said
    assert "a run ends it by itself when it can look there" in said
    code, told = dsar(loaded, "erase", "--email", WHO, "--yes", "--region", "eu")
    assert (code, told["outcome"], told["nobody_found"]) == (1, "open", [])
    (waiting,) = [one for one in dsar(loaded, "status")[1]["requests"] if one["missing"]]
    assert "could not look everywhere: no landing zone" in dsar(loaded, "status", as_json=False)[1]
    for command in (["status"], ["audit"]):
        shown = CliRunner().invoke(main, [*command, "--warehouse", str(loaded.warehouse)])
        assert f"erasure {waiting['id']} is open, due" in shown.output
    assert shown.exit_code == 1, "the audit is not content"
    away.rename(loaded.landing)
    code, told = dsar(loaded, "erase", "--email", WHO, "--yes", "--region", "eu")
    assert (code, told["outcome"], told["requests"][0]["id"]) == (0, "erased", waiting["id"])
