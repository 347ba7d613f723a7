"""The plan of a recovery: money before behaviour, the newest days before older ones, and how long it takes."""

from __future__ import annotations

import pytest

from operations import status
from operations.recovery import drain, history
from operations.recovery.planned import _rebuild_seconds, plan_recovery
from orchestration.cli.recover import print_plan
from settings import Settings, durable
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
    assert [step.what for step in plan.steps] == [
        "start",
        "load",
        "rebuild",
        "publish",
        "rebuild",
        "rebuild",
        "publish",
    ]
    assert plan.steps[1].detail == "1 archives of orders, then 2 archives of web"
    newest, older, again = (plan.steps[place].detail for place in (2, 4, 5))
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


def test_what_a_job_and_a_run_take_beyond_the_work_in_them_is_part_of_the_plan(loaded):
    put(loaded, "web", "2026-03-02", page(messageId="m-2"))
    before = plan_recovery(loaded.settings)
    for what, seconds in (("ingest job", 2.0), ("rebuild job", 3.0), ("publish job", 4.0), ("run", 5.0)):
        history.book_work(loaded.settings, what, "", seconds)
    for what in ("rebuild", "publish"):
        history.book_work(loaded.settings, what, "eu", 20.0 if what == "rebuild" else 10.0)
    after = plan_recovery(loaded.settings)
    longer = {
        step.what: round(step.seconds - was.seconds, 1) for was, step in zip(before.steps, after.steps, strict=True)
    }
    assert longer == {"start": 5.0, "load": 2.0, "rebuild": 3.0, "publish": 4.0}
    assert after.steps[-1].done_in == pytest.approx(before.steps[-1].done_in + 14)


def test_what_is_measured_within_a_span_is_not_beyond_it():
    with history.measured() as job, history.measured() as work:
        sum(range(1000))
    assert job.within == work.seconds > 0
    assert job.beyond == job.seconds - work.seconds


def test_what_is_built_of_the_look_back_window_and_of_months_that_learn_from_late_days_is_rebuilt_with_them(loaded):
    put(loaded, "web", "2026-01-15", page(messageId="m-2"))
    snapshot = status.snapshots(loaded.settings)[0]
    assert plan_recovery(loaded.settings).steps[2].detail == "2026-01-01 to 2026-01-31"  # nothing else is built
    durable.write_json(loaded.settings.warehouse / "status" / "eu.json", {**snapshot, "first_day": "2025-12-20"})
    [window] = plan_recovery(loaded.settings).regions["eu"]["days"]
    assert window == ["2025-12-20", str(conftest.NOW.date())]
