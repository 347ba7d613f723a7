"""The plan of a recovery: money before behaviour, the newest days before older ones, and how long it takes."""

from __future__ import annotations

import pytest

from operations import status
from operations.recovery import drain, history
from operations.recovery.planned import _rebuild_seconds, plan_recovery
from orchestration.cli.recover import print_plan
from settings import Settings
from tests.ingestion import conftest
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page

zone, clock = conftest.zone, conftest.clock


def put(zone: Zone, topic: str, day: str, *records) -> None:
    lines = b"".join(conftest.json.dumps(one).encode() + b"\n" for one in records)
    year, month, day = day.split("-")
    folder = f"eu/events/topics/{topic}/partition=0/year={year}/month={month}/day={day}"
    zone.put(f"{folder}/{topic}+0+{int(month) * 100 + int(day):010d}.json", lines)


@pytest.fixture
def loaded(zone):
    put(zone, "web", "2026-03-01", page(messageId="m-1"))
    drain.drain(zone.settings, "eu", lambda _: None, lambda _: None)
    with conftest.region_file(zone.settings, "eu") as con:
        status.write_snapshot(con, zone.settings, "eu")
    return zone


def test_nothing_waits_and_nothing_is_planned(loaded, capsys):
    plan = plan_recovery(loaded.settings)
    assert (plan.first, plan.steps) == ([], [])
    print_plan(plan, as_json=False)
    assert "nothing to recover" in capsys.readouterr().out


def test_what_waits_is_loaded_money_first_and_the_newest_month_is_right_before_older_ones(loaded, capsys):
    put(loaded, "web", "2026-03-02", page(messageId="m-2"))
    put(loaded, "web", "2026-01-15", page(messageId="m-3"))
    put(loaded, "orders", "2026-03-02", page(messageId="m-4"))
    plan = plan_recovery(loaded.settings)
    assert [step.what for step in plan.steps] == ["load", "rebuild", "publish", "rebuild", "rebuild", "publish"]
    assert plan.steps[0].detail == "1 archives of orders, then 2 archives of web"
    newest, older, again = (plan.steps[place].detail for place in (1, 3, 4))
    assert newest == again
    assert newest.startswith("2026-03-01 to ")
    assert older == "2026-01-01 to 2026-01-31"
    done = [step.done_in for step in plan.steps]
    assert done == sorted(done)
    assert set(plan.regions["eu"]["waiting"]) == {"orders", "web"}
    print_plan(plan, as_json=True)
    assert '"exit_code": 0' in capsys.readouterr().out


def test_a_rebuild_is_estimated_by_the_days_of_those_before(tmp_path, monkeypatch):
    settings = Settings(warehouse=tmp_path)
    window = (conftest.NOW.date().replace(day=1), conftest.NOW.date().replace(day=20))
    assert _rebuild_seconds(settings, "eu", window) == 20
    for days, seconds in ((10, 6.0), (30, 10.0)):
        history.book_work(settings, "rebuild", "eu", seconds, days=days)
    assert _rebuild_seconds(settings, "eu", window) == pytest.approx(8.0)
