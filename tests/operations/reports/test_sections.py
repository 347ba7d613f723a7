"""Sections that a version has only where its release publishes their tables."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import openpyxl
import pytest

from operations.reports.cause import cause
from operations.reports.cohorts import cohorts
from operations.reports.credit_sources import credit_sources
from operations.reports.marts import opened
from operations.reports.period import choose
from operations.reports.report import content, write_report
from operations.reports.sums import currency_effect
from operations.reports.trend import days
from operations.reports.what_changed import booked, closed_as, what_changed
from operations.reports.workbook import write_workbook
from tests.operations.reports.conftest import write_version

_SEPTEMBER = date(2026, 9, 1)


@pytest.fixture
def marts(version):
    with opened(version) as found:
        yield found


def test_a_cohort_shows_what_is_back_of_its_cost_by_month_and_when_all_of_it_is(marts):
    table = cohorts(marts)
    rows = {row["cohort"]: row for row in table.rows}
    july, october = rows[date(2026, 7, 1)], rows[date(2026, 10, 1)]
    assert [july[f"m{age}"] for age in range(3)] == pytest.approx([0.4, 0.8, 1.2])
    assert "m3" not in {column.key for column in table.columns}  # that month is not over
    assert (july["after"], july["cac"]) == ("2 months", 10.0)
    assert (october["after"], october["m1"]) == ("not yet", None)
    assert (july["state"], october["state"]) == ("ended", "running month")


def test_a_channel_shows_what_a_new_customer_costs_and_what_is_back_of_it(marts):
    table = content(marts, _SEPTEMBER).tables["channels"]
    search = next(row for row in table.rows if row["name"] == "Paid Search")
    [(cac,)] = marts.con.execute("""
        select sum(spend)::double / sum(conversions) from finance.romi_by_segment
        where month = '2026-09-01' and segment = 'new' and channel = 'Paid Search' and attribution_model = 'linear'
    """).fetchall()
    assert search["cac"] == pytest.approx(cac)
    assert search["payback"] == pytest.approx(0.8)
    assert {"cac", "payback", "moved"} <= {column.key for column in table.columns}


def test_it_says_of_which_channels_the_cac_and_the_payback_of_all_are(version, tmp_path):
    said = "CAC and paid back are those of Paid Search and Paid Social alone, in the last row too"
    write_report(version, tmp_path / "r.html", month=_SEPTEMBER)
    assert f'<p class="note">{said}' in (tmp_path / "r.html").read_text()
    write_workbook(version, tmp_path / "w.xlsx", month=_SEPTEMBER)
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["Channels"]
    assert sheet.cell(sheet.max_row, 1).value.startswith(said)
    months = openpyxl.load_workbook(tmp_path / "w.xlsx")["Months"]
    assert [months.cell(row, 2).value for row in range(4, months.max_row + 1)] == [
        "State", "final", "final", "not final", "running month"
    ]  # fmt: skip


def test_shares_of_all_regions_are_weighted_by_what_they_are_shares_of(marts):
    whole = credit_sources(marts, choose(marts, _SEPTEMBER)).total
    [(assumed,)] = marts.con.execute("""
        select (sum(cogs) filter (where region = 'us'))::double / sum(cogs) from finance.data_quality
        where month = '2026-09-01'""").fetchall()
    assert whole["attributed_share"] == pytest.approx(0.5)
    assert whole["assumed_cogs_share"] == pytest.approx(assumed)
    assert (whole["refused_rows"], whole["refused_revenue"], whole["refused_spend"]) == (6, 25, None)


def test_moved_rates_are_told_apart_from_prices(marts):
    effect = currency_effect(marts, choose(marts, _SEPTEMBER))
    [(revenue, refunds)] = marts.con.execute("""select sum(revenue), sum(refunds) from finance.orders_daily
        where region = 'us' and month(date) = 9""").fetchall()
    # A dollar was worth 0.50 in August and 0.40 in September.
    assert effect.revenue == -(revenue / 4).quantize(Decimal("0.01"))
    assert effect.refunds == -(refunds / 4).quantize(Decimal("0.01"))
    assert effect.spend == 0
    running = choose(marts, date(2026, 10, 1))
    assert currency_effect(marts, running).after_spend == 0


def test_bounds_stand_beside_what_is_attributed(marts):
    table = cause(marts, choose(marts, _SEPTEMBER))
    assert {row["evidence"] for row in table.rows} == {"C: bounds only"}
    assert "source" not in {column.key for column in table.columns}  # there is no experiment
    assert all(row["incremental_margin_low"] <= row["incremental_margin_high"] for row in table.rows if
               row["attributed_margin"] >= 0)  # fmt: skip


def test_of_a_closed_month_it_says_so_and_shows_what_was_booked_of_it_later(tmp_path):
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("""insert into meta.closed_months by name select date '2026-08-01' as month, 1 as number,
            timestamp '2026-10-01 09:00' as closed_at, 11 as version, 'abc' as manifest_sha256""")
        con.execute("""insert into finance.prior_period_adjustments by name
            select 12 as version, date '2026-09-01' as booked_month, date '2026-08-01' as closed_month, 'eu' as region,
                'orders_daily' as "table", '(all)' as attribution_model, 1 as orders, 20.00 as revenue, 0.00 as refunds,
                8.00 as cogs, 'ledger' as why""")
    with opened(folder) as marts:
        september = choose(marts, _SEPTEMBER)
        found, changed = booked(marts, september), what_changed(marts, september)
        assert closed_as(marts, date(2026, 8, 1)) == "Closed on 2026-10-01, as of version 11: its figures are fixed."
        assert closed_as(marts, _SEPTEMBER) is None
    assert found.total["after_spend"] == 12
    assert [row["version"] for row in changed.rows] == [12]  # version 11 is what was closed
    write_report(folder, tmp_path / "r.html", month=_SEPTEMBER)
    write_workbook(folder, tmp_path / "w.xlsx", month=_SEPTEMBER)
    page = (tmp_path / "r.html").read_text()
    assert "Adjustments to closed months" in page
    told = "+€12.00</span> that is booked in September 2026 for what has changed since of August 2026 (closed)."
    assert f'Not in it: <span class="amount">{told}' in page


def test_a_change_that_two_tables_show_is_said_to_be_one(marts, tmp_path):
    assert what_changed(marts, choose(marts, _SEPTEMBER)).notes == ()
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("""insert into finance.restatements by name select 11 as version, 'romi_daily' as "table",
            date '2026-08-20' as date, 'eu' as region, 12.34 as revenue_change, 'a late order' as why""")
    with opened(folder) as marts_of_both:
        [note] = what_changed(marts_of_both, choose(marts_of_both, _SEPTEMBER)).notes
    assert "do not add them up" in note


def test_a_channel_other_below_zero_is_explained(marts, tmp_path):
    found = content(marts, _SEPTEMBER).tables
    assert (found["waiting"].notes, found["credit_sources"].notes) == ((), ())
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("update finance.romi_monthly set revenue = -revenue where channel = '(other)' and region = 'eu'")
        con.execute("update finance.data_quality set small_cell_share = -0.2 where region = 'us'")
    with opened(folder) as changed:
        found = content(changed, _SEPTEMBER).tables
    for table in (found["waiting"], found["credit_sources"]):
        [note] = table.notes
        assert note.startswith("Below zero: named figures still hold what has moved elsewhere")


def test_nothing_is_said_of_payback_where_no_channel_of_the_month_has_any(tmp_path):
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("delete from finance.payback_cohorts where cohort = '2026-09-01'")
    with opened(folder) as marts:
        assert "payback" not in {column.key for column in content(marts, _SEPTEMBER).tables["channels"].columns}


def test_the_tie_out_says_of_every_day_how_far_it_can_be_relied_on_and_no_label_of_it_is_cut(tmp_path):
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("delete from meta.usable_days where date < '2026-09-10'")  # it has the last weeks alone
    write_workbook(folder, tmp_path / "w.xlsx", month=_SEPTEMBER)
    sheet = openpyxl.load_workbook(tmp_path / "w.xlsx")["Tie-out"]
    states = {
        row[0].value.day: row[9].value for row in sheet.iter_rows(min_row=5) if isinstance(row[0].value, datetime)
    }
    assert [states[day] for day in (1, 7, 8, 10)] == [
        "yes, and it is final", "yes, and it is final", "late data may still change it", "yes",
    ]  # fmt: skip
    labels = [cell.value for cell in sheet["A"] if isinstance(cell.value, str)][3:]
    assert sheet.column_dimensions["A"].width > max(map(len, labels))


def test_a_version_of_a_release_before_has_a_report_without_them(tmp_path):
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        for table in ("orders_by_currency", "payback_cohorts", "data_quality", "incremental_romi"):
            con.execute(f"drop table finance.{table}")
        for table, column in (("orders_daily", "assumed_cogs"), ("romi_by_segment", "spend"), ("spend_daily", "rate")):
            con.execute(f"alter table finance.{table} drop {column}")
    with opened(folder) as marts:
        said = content(marts, _SEPTEMBER)
    assert not {"cohorts", "credit_sources", "cause"} & set(said.tables)
    assert "cac" not in {column.key for column in said.tables["channels"].columns}


def test_the_page_says_whether_it_ties_to_the_ledger(version, tmp_path):
    with opened(version) as marts:
        ledger = content(marts, _SEPTEMBER).tables["ledger"]
    assert (ledger.total["difference"], ledger.total["days"], ledger.total["off"]) == (0, 60, 0)
    write_report(version, tmp_path / "ties.html", month=_SEPTEMBER)
    assert "Gross revenue ties to the cent, on every day of every region" in (tmp_path / "ties.html").read_text()
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("""update finance.reconciliation_daily set ledger_revenue = ledger_revenue + 0.01
            where date = '2026-09-04' and region = 'eu'""")
    write_report(folder, tmp_path / "off.html", month=_SEPTEMBER)
    assert "Not on every day: 1 of 60 days, counted by region, differ" in (tmp_path / "off.html").read_text()


def test_a_day_on_which_nothing_happened_is_as_final_as_those_after_it(tmp_path):
    folder = write_version(tmp_path / "v")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        for table in ("romi_daily", "orders_daily", "spend_daily"):
            con.execute(f"delete from finance.{table} where date in ('2026-08-30', '2026-09-20')")
    with opened(folder) as marts:
        states = {row["date"]: row["state"] for row in days(marts)}
    assert (states[date(2026, 8, 30)], states[date(2026, 9, 20)]) == ("final", "not final")
    assert (states[date(2026, 9, 30)], states[date(2026, 10, 1)]) == ("not final", "running month")
