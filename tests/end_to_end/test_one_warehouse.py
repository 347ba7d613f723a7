"""One `romi run`, and what the other commands make of its warehouse: figures, report, backfill, a plan, a close."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingestion.books import region_file
from settings import Settings
from tests.end_to_end.conftest import NOW, Shop, campaign, order, page
from tests.end_to_end.test_main_job import K1, ledger_row


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Shop:
    """The worked example of the attribution rules in March, and two orders of February, a month that is over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW)
        patch.delenv("ROMI_KEY_FILE", raising=False)
        shop = Shop(tmp_path_factory.mktemp("ran"))
        shop.configure(K1 + "regions: {eu: {}}\n")
        shop.archive("eu", 0, [
            page("m1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
            page("m2", "2026-03-03T09:00:00Z", context=campaign("newsletter", "email", "w9")),
            page("m3", "2026-03-03T20:00:00Z"),
            order("m4", "2026-03-04T12:00:00Z", "o-1", "100.01"),
            order("m5", "2026-02-10T12:00:00Z", "o-2", 40, "a-2"),
            order("m6", "2026-02-10T13:00:00Z", "o-3", 20, "a-3"),
        ])  # fmt: skip
        shop.table("eu", "ledger/orders.csv", [
            ledger_row("o-1", "2026-03-04T12:00:00Z", "100.01"),
            ledger_row("o-2", "2026-02-10T12:00:00Z", "40.00", cogs="10.00"),
            ledger_row("o-3", "2026-02-10T13:00:00Z", "20.00"),
        ])  # fmt: skip
        code, told = shop.romi("run")
        assert (code, told["version"], told["withheld"]) == (0, 1, {}), told["failures"]
    return shop


@pytest.fixture
def shop(ran, tmp_path, monkeypatch) -> Shop:
    """A copy of it, to write to."""
    monkeypatch.setenv("ROMI_NOW", NOW)
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    shutil.copytree(ran.folder, tmp_path / "shop", symlinks=True)
    return Shop(tmp_path / "shop")


def test_worked_example_reaches_the_published_mart_to_the_cent(ran):
    rows = ran.query("""
        select attribution_model, channel, campaign, revenue, conversions from finance.romi_daily
        where date = date '2026-03-04' and region = 'eu' order by all""")
    paid, email, direct = ("Paid Search", "brand"), ("Email", "w9"), ("Direct", "(none)")
    credit = {(model, (channel, name)): revenue for model, channel, name, revenue, _ in rows if revenue}
    assert {key: credit[key] for key in credit if key[0] == "linear"} == {
        ("linear", paid): Decimal("33.34"), ("linear", email): Decimal("33.34"), ("linear", direct): Decimal("33.33"),
    }  # fmt: skip
    assert {key: credit[key] for key in credit if key[0] == "position_based"} == {
        ("position_based", paid): Decimal("40.01"), ("position_based", email): Decimal("20.00"),
        ("position_based", direct): Decimal("40.00"),
    }  # fmt: skip
    assert credit["last_non_direct", email] == Decimal("100.01")
    assert credit["first_touch", paid] == credit["last_touch", direct] == Decimal("100.01")
    for model in {model for model, *_ in rows}:
        assert sum(revenue for found, *_, revenue, _ in rows if found == model) == Decimal("100.01")
        assert sum(count for found, *_, count in rows if found == model) == 1
    assert ran.query("select orders, revenue, new_customers from finance.orders_daily where date = '2026-03-04'") == [
        (1, Decimal("100.01"), 1)
    ]


def test_a_run_writes_the_report_of_what_it_publishes_and_the_command_writes_both(shop, tmp_path):
    from orchestration.cli.main import main

    written = shop.warehouse / "report" / "report.html"
    assert "Marketing return, February 2026" in written.read_text()  # the last month that is over
    report, workbook = tmp_path / "r.html", tmp_path / "deep" / "w.xlsx"
    code, said = shop.romi("report", "--month", "2026-02", "--out", str(report), "--xlsx", str(workbook))
    assert code == 0
    assert [one["figure"] for one in said["answers"]] == ["€0.00", "€40.00", "Not known", "€60.00"]
    assert report.read_bytes() == written.read_bytes()
    assert workbook.read_bytes()[:2] == b"PK"
    told = CliRunner().invoke(main, ["report", "--warehouse", str(shop.warehouse), "--month", "2026-02"]).output
    assert "why?  Not known. Too little is known about the month before" in told
    code, said = shop.romi("report", "--month", "2025-01")
    assert (code, said["error"]) == (2, "unknown month '2025-01'; known: 2026-02, 2026-03")
    refused = CliRunner().invoke(
        main, ["report", "--warehouse", str(shop.warehouse), "--out", "/proc/x.html", "--json"]
    )
    assert refused.exit_code == 2
    assert "cannot write /proc/x.html" in json.loads(refused.stdout)["error"]
    assert Shop(tmp_path / "empty").romi("report")[0] == 2  # nothing is published there


@pytest.mark.slow  # tests/operations/rebuilding holds what a rebuild leaves as it was
def test_backfill_rebuilds_days_from_the_warehouse_and_changes_nothing_that_was_right(shop):
    before = shop.rows()
    with region_file(Settings(warehouse=shop.warehouse), "eu") as con:
        con.execute("update finance.orders_daily set revenue = 1 where date > '2026-03-01'")
        con.execute("delete from finance.romi_daily where date > '2026-03-01'")
    shutil.rmtree(shop.landing)

    code, outcome = shop.romi("backfill", "--from", "2026-03-01", "--to", "2026-03-31")

    assert (code, outcome["regions"], outcome["rebuilt_days"], outcome["version"]) == (0, ["eu"], 4, None)
    with shop.region("eu") as con:
        days = "select date::varchar, revenue from finance.orders_daily order by all"
        assert con.execute(days).fetchall() == [("2026-02-10", Decimal(60)), ("2026-03-04", Decimal("100.01"))]
    assert shop.rows() == before
    for arguments, answer in (
        (["--from", "2026-03-01", "--to", "2026-03-02", "--region", "mars"], "known: eu"),
        (["--from", "2026-03-03", "--to", "2026-03-02"], "after"),
        (["--from", "2020-03-01", "--to", "2020-03-02"], "nothing of 2020-03-01"),
    ):
        code, said = shop.romi("backfill", *arguments)
        assert (code, answer in said["error"]) == (2, True), said


@pytest.mark.slow  # tests/operations/test_planned.py
def test_a_plan_tells_what_a_changed_rule_moves_and_changes_nothing(shop):
    version, before = (shop.warehouse / "published").resolve(), shop.rows()
    shop.configure(K1 + "regions: {eu: {margin_rate: 0.3}}\n")
    code, told = shop.romi("plan", "--landing", str(shop.landing))
    assert (code, told["failures"], told["version"]) == (0, [], 1)
    moved = {
        (one["month"], one["channel"]): one["cents"] for one in told["moved"]
        if (one["table"], one["attribution_model"]) == ("romi_monthly", "first_touch")
    }  # fmt: skip
    # Of an order whose cost of goods the ledger does not give, 50% of revenue become 70%; March is still filling up.
    assert moved == {("2026-02", "(unattributed)"): {"cogs": 400, "margin": -400}}
    assert ((shop.warehouse / "published").resolve(), shop.rows()) == (version, before)


def test_a_month_that_is_over_is_closed_and_told_as_closed(shop):
    code, done = shop.romi("close", "2026-02")
    assert (code, done["state"]) == (0, "closed"), done
    assert [str(month) for (month,) in shop.query("select month from meta.closed_months")] == ["2026-02-01"]
    assert {path.name for path in (Path(shop.warehouse) / "closes/2026-02/1").iterdir()} >= {
        "report.html", "workbook.xlsx", "manifest.json", "figures"}  # fmt: skip
    code, done = shop.romi("close", "2026-02")
    assert (code, done["is_new"]) == (0, False)
