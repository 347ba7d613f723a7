"""What is not as finance may expect is withheld by region and day; the rest is published."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest

from ingestion.books import region_file
from operations.publishing import expectation_gate
from operations.publishing.expectation_gate import Gate
from operations.publishing.publish import Publication, publish
from operations.store.versions import current_version
from orchestration.defs.publish.assets import marts
from orchestration.warehouse import Warehouse
from quality.expectations import process
from quality.expectations.catalogue import RULES
from settings import PermanentError, Settings
from tests.kit.prebuilt import copy_of
from tests.operations.marts import DAYS, NOW, build, change, months, revenue_by_day, settings_of


def _build_shop(folder: Path) -> None:
    for region in ("eu", "us"):
        rebuild(settings_of(folder), region)


@pytest.fixture
def settings(tmp_path):
    copy_of(_build_shop, tmp_path)
    return settings_of(tmp_path)


def rebuild(settings: Settings, region: str, revenue: int = 100) -> None:
    """A region all of whose tables are as expected."""
    build(settings, region, revenue=revenue)
    change(settings, region, """
        update finance.romi_daily set roas = net_revenue / spend, romi = (margin - spend) / spend,
            cpa = spend / conversions;
        update finance.romi_monthly set roas = net_revenue / spend, romi = (margin - spend) / spend,
            cpa = spend / conversions;
        delete from finance.romi_by_segment;
        insert into finance.romi_by_segment by name select month, region, 'new' as segment, channel, attribution_model,
            conversions, revenue, refunds, net_revenue, cogs, margin from finance.romi_monthly""")  # fmt: skip


def publish_through(settings: Settings) -> tuple[Publication | None, list[str]]:
    gate = Gate(settings)
    done = publish(settings, clock=lambda: NOW, examine=gate)
    return done, sorted({one["rule"] for one in gate.findings if one["places"]})


def withheld(settings: Settings, region: str) -> dict[date, str]:
    with region_file(settings, region, read_only=True) as con:
        return dict(
            con.execute("select day, withheld_reason from ops.days where withheld_reason is not null").fetchall()
        )


def evaluated(settings: Settings, check: str) -> tuple[str, bool]:
    """A check of the published marts, executed without them, and whether it passed."""
    selection = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(["published", "marts"]), check))
    resource = Warehouse(warehouse=str(settings.warehouse))
    result = dg.materialize([marts], selection=selection, resources={"warehouse": resource})
    [evaluation] = result.get_asset_check_evaluations()
    return evaluation.check_name, evaluation.passed


def test_days_that_are_not_as_expected_keep_their_last_good_rows_and_hold_back_no_other(settings):
    done, broken = publish_through(settings)
    assert (done.version, broken) == (1, [])
    assert publish_through(settings) == (None, [])

    for region in ("eu", "us"):
        rebuild(settings, region, 200)
    change(settings, "eu", f"update finance.orders_daily set new_customers = 9 where date = '{DAYS[1]}'")
    done, broken = publish_through(settings)
    assert (done.version, broken) == (2, ["new_customers_are_among_the_orders"])
    assert withheld(settings, "eu") == {DAYS[1]: "expectation failed: new_customers_are_among_the_orders"}
    assert withheld(settings, "us") == {}
    assert revenue_by_day(settings) == dict(zip(DAYS, (200, 100, 200), strict=True))
    assert {month: revenue for month, (revenue, _) in months(settings).items()} == {
        date(2026, 1, 1): 200, date(2026, 2, 1): 200,
    }  # fmt: skip
    assert revenue_by_day(settings, "us") == dict.fromkeys(DAYS, 200)
    shown = expectation_gate.folder(settings)
    assert "blocked" in (shown / "data_docs" / "index.html").read_text()
    assert json.loads((shown / "verdict.json").read_text())["version"] == 2
    assert {path.name for path in shown.iterdir()} == {"verdict.json", "data_docs"}


@pytest.mark.slow  # the gate's part of it is below, on findings that are made up
def test_what_was_published_past_the_gate_months_and_warnings_are_judged_by_great_expectations(settings):
    publish_through(settings)
    for region in ("eu", "us"):
        rebuild(settings, region, 200)
    publish_through(settings)
    # Published past the gate, as an erasure does: what nobody has looked at is looked at next time.
    rebuild(settings, "eu", 200)
    for table in ("spend_daily", "romi_daily", "romi_monthly"):
        change(settings, "us", f"update finance.{table} set clicks = 9; update ops.days set build = build + 1")
    assert publish(settings, clock=lambda: NOW).version == 3
    change(settings, "eu", "update finance.reconciliation_daily set event_match_rate = 0.5;"
                           "update ops.days set build = build + 1")  # fmt: skip
    done, broken = publish_through(settings)
    assert (done.version, broken) == (4, ["clicks_come_from_impressions"])
    assert revenue_by_day(settings) == dict.fromkeys(DAYS, 200)

    # A month that is wrong holds back its days, and a warning holds back none.
    for region in ("eu", "us"):
        rebuild(settings, region, 300)
    change(settings, "eu", "update finance.romi_monthly set romi = romi + 1 where month = '2026-01-01'")
    change(settings, "us", "update finance.spend_daily set clicks = 9")
    change(settings, "us", "update finance.romi_daily set clicks = 9; update finance.romi_monthly set clicks = 9")
    done, broken = publish_through(settings)
    assert broken == ["clicks_come_from_impressions", "romi_monthly_romi_ties"]
    assert set(withheld(settings, "eu")) == set(DAYS[:2])
    assert revenue_by_day(settings) == dict(zip(DAYS, (200, 200, 300), strict=True))
    assert revenue_by_day(settings, "us") == dict.fromkeys(DAYS, 300)

    # Executed by itself, a check looks at all of what is published, and publishes nothing.
    for check, is_passed in (("romi_monthly_romi_ties", True), ("clicks_come_from_impressions", False)):
        assert evaluated(settings, check) == (check, is_passed)
    assert current_version(settings) == 5


class Examiner:
    """Finds what it is told to, as the worker would, and writes a page; remembers what it was to look at."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []  # the version, and the folder of the one before
        self.places: dict[str, list[tuple[str, str]]] = {}

    def __call__(self, built: Path, before: Path | None, pages: Path, version: str, at: datetime) -> list[dict]:
        self.asked.append((version, before and before.name))
        pages.mkdir(parents=True, exist_ok=True)
        (pages / "index.html").write_text(version)
        return [
            {"rule": rule.name, "suite": rule.suite, "is_blocking": rule.is_blocking, "rows": 1, "unexpected": 0,
             "places": self.places.get(rule.name, []), "error": None} for rule in RULES
        ]  # fmt: skip


@pytest.fixture
def examiner(monkeypatch):
    made = Examiner()
    monkeypatch.setattr(expectation_gate, "examine", made)
    return made


def test_a_month_that_is_wrong_holds_back_its_days_and_a_warning_none(settings, examiner):
    publish_through(settings)
    for region in ("eu", "us"):
        rebuild(settings, region, 300)
    examiner.places = {
        "romi_monthly_romi_ties": [("eu", "2026-01-01")], "clicks_come_from_impressions": [("us", "2026-01-30")]
    }  # fmt: skip
    done, broken = publish_through(settings)
    assert (done.version, broken) == (2, ["clicks_come_from_impressions", "romi_monthly_romi_ties"])
    assert set(withheld(settings, "eu")) == set(DAYS[:2])
    assert withheld(settings, "us") == {}
    assert revenue_by_day(settings) == dict(zip(DAYS, (100, 100, 300), strict=True))
    assert revenue_by_day(settings, "us") == dict.fromkeys(DAYS, 300)


def test_what_was_published_past_the_gate_is_looked_at_with_what_comes_next(settings, examiner):
    publish_through(settings)
    rebuild(settings, "eu", 200)
    assert publish(settings, clock=lambda: NOW).version == 2  # as an erasure does
    rebuild(settings, "us", 200)
    publish_through(settings)
    assert examiner.asked[1:] == [("version 3", None)], "against no version: all of it"
    rebuild(settings, "us", 300)
    publish_through(settings)
    assert examiner.asked[2:] == [("version 4", "000003")], "what differs from the one before"


def test_executed_by_itself_a_check_looks_at_what_is_published_and_publishes_nothing(settings, examiner):
    publish_through(settings)
    examiner.places = {"clicks_come_from_impressions": [("us", "2026-01-30")]}
    for check, is_passed in (("romi_monthly_romi_ties", True), ("clicks_come_from_impressions", False)):
        assert evaluated(settings, check) == (check, is_passed)
    assert current_version(settings) == 1
    assert examiner.asked[1:] == [("version 1", None)] * 2


def test_what_cannot_be_examined_is_not_published_and_says_nothing_of_the_data(settings, monkeypatch):
    monkeypatch.setattr(process, "_ask", lambda *_: {"error": "KeyError in quality.expectations.frames:1"})
    with pytest.raises(PermanentError, match="could not be examined: KeyError"):
        publish_through(settings)
    assert current_version(settings) is None
    assert withheld(settings, "eu") == {}


def test_a_worker_that_dies_is_an_error_of_ours(settings, monkeypatch):
    process.cool_down()
    monkeypatch.setattr(process.sys, "executable", "/bin/false")
    with pytest.raises(PermanentError, match="its process ended"):
        publish_through(settings)


def test_an_examination_that_outlives_its_killed_run_does_not_disturb_the_next(settings, examiner, monkeypatch):
    of_the_killed = []

    def killed(built, before, pages, *others):
        of_the_killed.append(pages)
        raise KeyboardInterrupt

    def with_the_other_still_writing(built, before, pages, *others):
        of_the_killed[0].mkdir(parents=True)
        (of_the_killed[0] / "index.html").write_text("of the killed run")
        return examiner(built, before, pages, *others)

    monkeypatch.setattr(expectation_gate, "examine", killed)
    with pytest.raises(KeyboardInterrupt):
        publish_through(settings)
    monkeypatch.setattr(expectation_gate, "examine", with_the_other_still_writing)
    assert publish_through(settings)[0].version == 1
    shown = expectation_gate.folder(settings)
    assert (shown / "data_docs" / "index.html").read_text() == "version 1"

    monkeypatch.setattr(expectation_gate, "examine", examiner)
    rebuild(settings, "eu", 200)
    assert publish_through(settings)[0].version == 2
    assert {path.name for path in shown.iterdir()} == {"verdict.json", "data_docs"}


def test_the_worker_ends_with_the_run_even_before_it_has_imported(tmp_path):
    worker = process._start()
    worker.stdin.write(json.dumps({"folder": str(tmp_path)}) + "\n")
    worker.stdin.close()
    assert worker.wait(timeout=60) == 0
    assert worker.stdout.read() == ""
