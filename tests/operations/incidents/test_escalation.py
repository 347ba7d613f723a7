"""Who is told what at which minute, once, until somebody acknowledges it; on a clock that is set."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from operations.incidents import book, causes
from operations.incidents.escalation import tick, undelivered
from operations.incidents.findings import Finding, Kind
from operations.incidents.report import report
from settings import Incidents, Settings

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
ROLES = [
    {"role": "on_call", "address": "ops"},
    {"role": "on_call", "address": "ops_us", "region": "us"},
    {"role": "expert", "address": "dba"},
    {"role": "expert", "address": "platform", "kind": "disk_full"},
    {"role": "commander", "address": "boss"},
]
NAMES = ("ops", "ops_us", "dba", "platform", "boss")


class Watch:
    """A warehouse with addresses that are files, and a clock."""

    def __init__(self, folder, monkeypatch, **incidents):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.settings = Settings(warehouse=folder / "warehouse", incidents=Incidents(roles=ROLES, **incidents))
        for name in NAMES:
            monkeypatch.setenv(f"ROMI_NOTICE_{name.upper()}", f"file://{folder / name}")
        self.at(0)

    def at(self, minute):
        self.monkeypatch.setenv("ROMI_NOW", (NOON + timedelta(minutes=minute)).isoformat())

    def find(self, *findings, judged=frozenset(Kind)):
        return report(self.settings, findings, judged=judged)

    def heard(self):
        """By whom since the last call, by name: the titles."""
        found = {}
        for name in NAMES:
            if (path := self.folder / name).exists():
                found[name] = [json.loads(line)["title"] for line in path.read_text().splitlines()]
                path.unlink()
        return found

    def heard_at(self, minute):
        self.at(minute)
        tick(self.settings)
        return {name: len(titles) for name, titles in self.heard().items()}


@pytest.fixture
def watch(tmp_path, monkeypatch):
    return Watch(tmp_path, monkeypatch)


def broken(region="eu"):
    return causes.of_failure("x broke", region, "ingest")


def test_the_ladder_tells_each_role_once_at_its_minute(watch):
    watch.find(broken())
    told = {minute: watch.heard_at(minute) for minute in (0, 1, 14, 15, 16, 29, 30, 31, 600)}
    assert {minute: names for minute, names in told.items() if names} == {
        0: {"ops": 1}, 15: {"dba": 1}, 30: {"boss": 1},
    }  # fmt: skip


def test_a_daemon_that_was_down_tells_what_was_due_meanwhile_and_no_one_twice(watch):
    watch.find(broken())
    assert watch.heard_at(0) == {"ops": 1}
    assert watch.heard_at(45) == {"dba": 1, "boss": 1}  # nothing is kept but the book
    assert watch.heard_at(46) == {}


def test_a_daemon_that_is_killed_and_started_again_goes_on_up_the_ladder(watch, tmp_path):
    """Each tick is a process of its own, so that nothing is left of the one before but the book."""
    config = tmp_path / "romi.yaml"
    roles = ", ".join(f"{{role: {one['role']}, address: {one['address']}}}" for one in ROLES if len(one) == 2)
    config.write_text(f"warehouse: {watch.settings.warehouse}\nincidents: {{roles: [{roles}]}}\n")
    watch.find(broken())
    program = (
        "import sys; from pathlib import Path; from settings import load_settings;"
        "from operations.incidents.escalation import tick; tick(load_settings(Path(sys.argv[1])))"
    )
    told = {}
    for minute in (0, 14, 16, 17, 31, 32):
        watch.at(minute)
        subprocess.run([sys.executable, "-c", program, str(config)], check=True, cwd=tmp_path)
        told[minute] = sorted(watch.heard())
    assert told == {0: ["ops"], 14: [], 16: ["dba"], 17: [], 31: ["boss"], 32: []}


def test_an_incident_that_a_clock_ahead_has_opened_is_told_at_once_when_it_is_right(watch, monkeypatch):
    watch.at(60 * 24 * 365)
    watch.find(broken())
    assert watch.heard_at(0) == {"ops": 1}
    monkeypatch.setenv("ROMI_NOTICE_DBA", "nothing://")
    watch.at(60 * 24 * 366)
    tick(watch.settings)
    assert [one.address for one, _, _ in undelivered(watch.settings)] == ["dba"]
    monkeypatch.setenv("ROMI_NOTICE_DBA", f"file://{watch.folder / 'dba'}")
    watch.heard()
    watch.at(60 * 24 * 366 - 60 * 5)
    tick(watch.settings)
    assert "dba" in watch.heard(), "it is not waited for until that clock's next try"


def test_an_acknowledgement_ends_it_and_whoever_was_told_hears_when_it_is_over(watch):
    watch.find(broken())
    assert watch.heard_at(0) == {"ops": 1}
    book.acknowledge(watch.settings, 1, "ann")
    assert watch.heard_at(100) == {}
    watch.at(101)
    watch.find()
    tick(watch.settings)
    assert watch.heard() == {"ops": ["[minor] Incident 1, over: failed run in eu: x broke"]}
    assert watch.heard_at(102) == {}


def test_the_most_specific_entry_of_region_and_kind_is_told(watch):
    watch.find(causes.of_failure("No space left on device", "us", "ingest"))
    assert watch.heard_at(20) == {"ops_us": 1, "platform": 1}


def test_what_comes_back_is_told_as_that_once_and_flapping_is_not(watch):
    watch.find(broken())
    assert watch.heard_at(0) == {"ops": 1}
    watch.at(1)
    watch.find()
    assert watch.heard_at(1) == {"ops": 1}
    watch.find(broken())
    tick(watch.settings)
    assert watch.heard() == {"ops": ["[minor] Incident 1, is back: failed run in eu: x broke"]}
    for minute in range(2, 12):
        watch.at(minute)
        watch.find(*([broken()] * (minute % 2)))
        assert watch.heard_at(minute) == {}
    watch.at(80)
    watch.find()
    watch.at(141)
    watch.find()
    assert watch.heard_at(141) == {"ops": 1}, "one more, that it is over"


def test_a_notice_says_what_where_what_is_at_risk_and_what_to_do(watch):
    path = watch.settings.warehouse / "status" / "eu.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"region": "eu", "usual_revenue": [7_404_00] * 168}))
    watch.find(causes.of_failure("No space left on device", "eu", "ingest"))
    tick(watch.settings)
    [line] = map(json.loads, (watch.folder / "ops").read_text().splitlines())
    assert line["title"] == "[critical] Incident 1, opened: disk full in eu: the disk is full"
    for part in (
        "eu: No space left on device (make room on the disk, then `romi run`)", "123.40 EUR a minute",
        "docs/runbooks.md#the-disk-is-full", "Command: `romi retention apply`", "`romi incidents ack 1`",
    ):  # fmt: skip
        assert part in line["body"]


def test_a_breach_says_until_when_the_authority_is_to_be_told(watch):
    watch.find(Finding(Kind.BREACH, "a laptop is lost", "a laptop is lost"), judged=())
    tick(watch.settings)
    assert "to be told by 2026-03-23 12:00 UTC" in (watch.folder / "ops").read_text()
    assert book.incident(watch.settings, 1).severity == "major"
    watch.find()
    assert book.live(watch.settings), "no check looks for it, so only a person closes it"


def test_what_cannot_be_delivered_is_kept_tried_again_less_and_less_often_and_becomes_an_incident(watch, monkeypatch):
    (watch.folder / "file").write_text("")
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{watch.folder}/file/below")
    watch.find(broken())
    tries = []
    for minute in range(61):
        watch.at(minute)
        lines = tick(watch.settings)
        failing = {one.incident.number: count for one, count, _ in undelivered(watch.settings)}
        if not tries or failing[1] > tries[-1][1]:
            tries.append((minute, failing[1]))
        assert len(lines) <= 2, "a failure is told once"
    assert [minute for minute, _ in tries] == [0, 1, 3, 7, 15, 31]
    [_, other] = book.live(watch.settings)
    assert other.kind == Kind.NOTICES_UNDELIVERABLE
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{watch.folder}/ops")
    watch.heard()
    assert watch.heard_at(130)["ops"] == 2, "both that waited"
    assert [one.number for one in book.live(watch.settings)] == [1]


def test_what_could_not_be_told_until_it_was_over_is_told_then(watch, monkeypatch):
    monkeypatch.delenv("ROMI_NOTICE_OPS")
    watch.find(broken())
    [line] = tick(watch.settings)
    assert line.startswith("on_call could not be told of incident 1, and will be: there is no address ops: set ROMI_N")
    watch.find()
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{watch.folder}/ops")
    watch.at(5)
    tick(watch.settings)
    assert "It is over by now: this could not be delivered before." in (watch.folder / "ops").read_text()
    watch.heard()
    assert watch.heard_at(6) == {}


def test_addresses_stand_in_a_file_that_only_its_owner_can_read(watch, monkeypatch):
    monkeypatch.delenv("ROMI_NOTICE_OPS")
    path = watch.folder / "warehouse.notices"
    path.write_text(f"# who is told\nops = file://{watch.folder}/ops?a=b\n")
    path.chmod(0o644)
    watch.find(broken())
    assert "can be read by users other than its owner: chmod 600" in tick(watch.settings)[0]
    path.chmod(0o600)
    watch.at(5)
    assert tick(watch.settings) == ["told on_call (ops) of incident 1"]


class _Webhook(BaseHTTPRequestHandler):
    got: ClassVar[list[dict]] = []
    answer = 200

    def do_POST(self):
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.answer)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_webhook_gets_it_through_apprise_and_a_refusal_gives_no_secret_away(watch, monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), _Webhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"json://user:hidden@127.0.0.1:{server.server_port}/hook"  # pragma: allowlist secret
        monkeypatch.setenv("ROMI_NOTICE_OPS", address)
        _Webhook.answer = 500
        watch.find(broken())
        [line] = tick(watch.settings)
        assert line.endswith("the address ops did not take it")
        assert "hidden" not in (watch.settings.warehouse / book.BOOK).read_text()
        _Webhook.answer = 200
        watch.at(2)
        assert tick(watch.settings) == ["told on_call (ops) of incident 1"]
        assert _Webhook.got[-1]["title"] == "[minor] Incident 1, opened: failed run in eu: x broke"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_two_that_tick_at_once_tell_once(watch):
    watch.find(broken())
    both = [threading.Thread(target=tick, args=[watch.settings]) for _ in range(4)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    tick(watch.settings)
    assert {name: len(titles) for name, titles in watch.heard().items()} == {"ops": 1}


def test_without_roles_nobody_is_told_and_the_book_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", NOON.isoformat())
    settings = Settings(warehouse=tmp_path / "warehouse")
    report(settings, [broken()], judged=())
    assert tick(settings) == []
    assert len(book.live(settings)) == 1
