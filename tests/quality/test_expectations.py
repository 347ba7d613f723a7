"""Each rule of finance catches its fault and nothing else, on a version as publish builds it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from operations.finance_tables.published_tables import PUBLISHED
from operations.finance_tables.version_tables import create_tables
from quality.expectations.catalogue import MODELS, RULES

_ROMI = ("romi_daily", "romi_monthly", "romi_by_touch_date")
# What to do to a clean version for the rule to break; the sums of a month break with many, and may.
FAULTS = {
    **{f"{table}_net_revenue_ties": (table, "net_revenue = net_revenue + 0.01") for table in _ROMI},
    **{f"{table}_margin_ties": (table, "margin = margin - 0.01") for table in _ROMI},
    **{f"{table}_roas_ties": (table, "roas = roas + 0.01") for table in _ROMI},
    **{f"{table}_romi_ties": (table, "romi = null") for table in _ROMI},
    **{f"{table}_cpa_ties": (table, "cpa = spend / conversions * 1.01") for table in _ROMI},
    **{
        f"{table}_{column}_is_not_negative": (table, f"{column} = -{column} - 1")
        for table in _ROMI for column in ("spend", "conversions", "revenue", "refunds")
    },
    **{f"{table}_knows_its_models": (table, "attribution_model = 'last_click'") for table in _ROMI},
    "months_are_the_sum_of_their_days": ("romi_daily", "cogs = cogs + 0.01, margin = margin - 0.01"),
    "months_credit_the_same_whole": ("romi_monthly", "conversions = conversions + 0.000001"),
    "romi_holds_all_cost": ("spend_daily", "impressions = impressions + 1"),
    "segments_are_the_whole_month": ("romi_by_segment", "refunds = refunds + 0.01"),
    "currencies_are_the_whole_month": ("orders_by_currency", "revenue = revenue + 0.01"),
    "romi_by_segment_knows_its_segments": ("romi_by_segment", "segment = 'vip'"),
    "orders_daily_net_revenue_ties": ("orders_daily", "net_revenue = net_revenue - 0.01"),
    "orders_daily_margin_ties": ("orders_daily", "margin = margin + 0.01"),
    "new_customers_are_among_the_orders": ("orders_daily", "new_customers = orders + 1"),
    "accuracy_is_what_its_counts_say": ("reconciliation_daily", "accuracy = 0.5"),
    "event_match_rate_is_a_share": ("reconciliation_daily", "event_match_rate = 1.01"),
    "channel_weights_are_shares": ("channel_weights", "share = 1.01"),
    "clicks_come_from_impressions": ("spend_daily", "clicks = impressions + 1"),
    "refunds_stay_within_revenue": ("orders_daily", "refunds = revenue + 1, net_revenue = -1, margin = -1 - cogs"),
}  # fmt: skip


def write_version(folder: Path) -> Path:
    """Two regions, two months of two days each: an order a day, but for the last, which has cost alone."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        create_tables(con)
        con.execute(f"""
            create table cells as from
                (select unnest(['2026-01-30', '2026-01-31', '2026-02-01', '2026-02-02'])::date as date),
                (select unnest(['eu', 'us']) as region);
            create table credits as select *, if(date = '2026-02-02', 0, 1) as one
            from cells, (select unnest({list(MODELS)}) as attribution_model);
            insert into finance.orders_daily select date, region, 1, 90, 10, 80, 40, 40, 1, 0, false
            from cells where date != '2026-02-02';
            insert into finance.orders_by_currency by name
            select date_trunc('month', date) as month, region, 'EUR' as currency, sum(orders) as orders,
                sum(revenue) as revenue, sum(refunds) as refunds from finance.orders_daily group by all;
            insert into finance.spend_daily by name
            select date, region, 'google_ads' as platform, 'Paid Search' as channel, 'brand' as campaign, 30 as spend,
                50 as impressions, 5 as clicks from cells;
            insert into finance.reconciliation_daily by name
            select date, region, 3 as ledger_orders, 1 as warehouse_orders, 1 as missing_in_warehouse,
                0 as missing_in_ledger, 0 as wrong_amounts, 1 - 1 / 3 as accuracy, 1 as event_match_rate from cells;
            insert into finance.channel_weights by name
            select distinct date_trunc('month', date) as month, region, 'Paid Search' as channel,
                'markov' as attribution_model, 1 as weight, 1 as share from cells""")
        for table, period in (("romi_daily", "date"), ("romi_by_touch_date", "date"), ("romi_monthly", "month")):
            cell = "date" if period == "date" else "date_trunc('month', date)"
            con.execute(f"""
                insert into finance.{table} by name
                select *, net_revenue / spend as roas, (margin - spend) / spend as romi,
                    spend / nullif(conversions, 0) as cpa
                from (
                    select {cell} as {period}, region, 'Paid Search' as channel, 'brand' as campaign, attribution_model,
                        count(*) * 30 as spend, count(*) * 50 as impressions, count(*) * 5 as clicks,
                        sum(one) as conversions, sum(one) * 90 as revenue, sum(one) * 10 as refunds,
                        sum(one) * 80 as net_revenue, sum(one) * 40 as cogs, sum(one) * 40 as margin
                    from credits group by all)""")
        con.execute("""
            insert into finance.romi_by_segment by name
            select month, region, 'new' as segment, channel, attribution_model, conversions, revenue, refunds,
                net_revenue, cogs, margin from finance.romi_monthly""")
    regions = {region: {"withheld_days": []} for region in ("eu", "us")}
    (folder / "manifest.json").write_text(json.dumps({"regions": regions}))
    return folder


@pytest.fixture(scope="module")
def suites():
    return pytest.importorskip("quality.expectations.suites")  # seconds, so it is asked for once


def _broken(done) -> dict[str, list]:
    return {one.rule: one.places for one in done.findings if one.places or one.error}


def _change(folder: Path, statement: str) -> None:
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute(statement)


def test_every_rule_has_a_fault_that_it_catches_and_a_clean_version_none(suites, tmp_path):
    assert set(FAULTS) == {rule.name for rule in RULES}
    untouched = write_version(tmp_path / "clean")
    clean = suites.examine(untouched, None)
    assert _broken(clean) == {}
    assert all(one.rows for one in clean.findings)

    for number, rule in enumerate(RULES):
        table, fault = FAULTS[rule.name]
        folder = shutil.copytree(untouched, tmp_path / str(number))
        period = next(one.period for one in PUBLISHED if one.name == table)
        first = "2026-01-01" if period == "month" else "2026-01-30"
        model = "and attribution_model in ('linear', 'markov')" if table.startswith(("romi", "channel_w")) else ""
        _change(folder, f"update finance.{table} set {fault} where region = 'eu' and {period} = '{first}' {model}")
        done = suites.examine(folder, None, [rule])
        expected = "2026-01-01" if rule.suite.startswith(("months_", "segments_")) else first
        assert _broken(done).get(rule.name) == [("eu", expected)], rule.name
        assert [one.is_blocking for one in done.findings] == [rule.is_blocking]


def test_only_regions_and_months_that_differ_from_the_version_before_are_looked_at(suites, tmp_path):
    before, after = write_version(tmp_path / "before"), write_version(tmp_path / "after")
    assert {one.rows for one in suites.examine(after, before).findings} == {0}
    for folder in (before, after):  # an old fault that nothing new rests on
        _change(folder, "update finance.orders_daily set margin = 0 where region = 'us'")
    _change(after, "update finance.orders_daily set margin = 0 where region = 'eu' and date = '2026-02-01'")
    done = suites.examine(after, before)
    assert _broken(done) == {"orders_daily_margin_ties": [("eu", "2026-02-01")]}
    assert {one.rows for one in done.findings if one.suite == "orders_daily"} == {1}


def test_a_month_with_a_day_held_back_is_not_asked_to_be_the_sum_of_its_days(suites, tmp_path):
    folder = write_version(tmp_path / "built")
    _change(folder, "update finance.romi_monthly set cogs = 1, margin = net_revenue - 1 where region = 'eu'")
    (folder / "manifest.json").write_text(json.dumps({"regions": {"eu": {"withheld_days": ["2026-01-30"]}}}))
    assert _broken(suites.examine(folder, None))["months_are_the_sum_of_their_days"] == [("eu", "2026-02-01")]


def test_a_rule_that_cannot_be_examined_is_an_error_of_ours_and_no_finding(suites, tmp_path):
    from quality.expectations.catalogue import Rule

    broken = Rule("broken", "orders_daily", "ExpectColumnValuesToBeBetween", {"column": "nope", "min_value": 0}, "")
    [finding] = suites.examine(write_version(tmp_path / "built"), None, [broken]).findings
    assert (finding.error, finding.places) == ("broken could not be examined", [])


def test_pages_refer_to_nothing_outside_and_quote_no_value(suites, tmp_path):
    from quality.expectations import docs
    from settings import now

    folder = write_version(tmp_path / "built")
    _change(folder, "update finance.romi_daily set revenue = 31337.77 where region = 'eu'")
    done = suites.examine(folder, None)
    docs.write(tmp_path / "pages", done, "version 7", now())

    pages = {path.name: path.read_text() for path in (tmp_path / "pages").iterdir()}
    assert {"index.html", "romi_daily.html", "months_and_days.html"} <= set(pages)
    assert "blocked" in pages["index.html"]
    assert "eu 2026-01-30" in pages["index.html"]
    assert "Net revenue is revenue less refunds, to the cent." in pages["romi_daily.html"]
    for name, page in pages.items():
        assert not re.search(r"<script|(src|href)=\"?(https?:)?//|url\(", page), name
        assert "31337" not in page
        assert "31,337" not in page
    linked = set(re.findall(r'href="([^"#]+\.html)"', pages["index.html"]))
    assert linked <= set(pages)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "pages").iterdir()} == {0o440}
