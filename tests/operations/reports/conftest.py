"""A published version by statements: two regions, a year of months, campaigns with names that mean harm."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from operations.finance_tables.version_tables import create_tables
from settings.durable import write_json

HOSTILE = ("=HYPERLINK(\"http://evil.example\",\"x\")", "<script>document.title='owned'</script>", "+1-1", "@SUM(A1)",
           "-2+3", "n" * 300, "{{ 7 * 7 }}", "</script><img src=x onerror=alert(1)>", "a*b?c~d")  # fmt: skip
CHANNELS = {"Paid Search": ("Brand", *HOSTILE), "Paid Social": ("Lookalike",), "Email": ("(none)",),
            "(other)": ("(other)",), "(unattributed)": ("(none)",)}  # fmt: skip
MODELS = ("first_touch", "last_touch", "linear")
FIRST, LAST = date(2026, 7, 1), date(2026, 10, 12)
FINAL_THROUGH = date(2026, 9, 7)


def write_version(folder: Path, *, first: date = FIRST, last: date = LAST, seed: int = 7) -> Path:
    """A version built at noon of the day after `last`, of the days `first` to `last`; equal for equal arguments."""
    folder.mkdir(parents=True)
    draw = random.Random(seed)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    cells = [row for day in days for region in ("eu", "us") for row in _cells(draw, day, region)]
    frame = pl.DataFrame(cells, schema=_CELL, orient="row").to_arrow()
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("begin")
        create_tables(con)
        con.register("cells", frame)
        con.execute("insert into finance.romi_daily by name from cells")
        con.execute(_DERIVED.format(built_at=last + timedelta(days=1), final_through=FINAL_THROUGH))
        con.execute(OF_BUYERS)
        con.execute("commit")
    write_json(folder / "manifest.json", {"version": 12, "currency": "EUR", "regions": {}})
    return folder


_CELL = {
    "date": pl.Date, **dict.fromkeys(("region", "channel", "campaign", "attribution_model"), pl.String),
    **dict.fromkeys(("impressions", "clicks", "conversions"), pl.Int64),
    **dict.fromkeys(("spend", "revenue", "refunds", "cogs"), pl.Decimal(18, 2)),
}  # fmt: skip


def _cells(draw: random.Random, day: date, region: str) -> list[list]:
    """The day's cells: each model hands the same cents out, in its own way."""
    places = [(channel, campaign) for channel, campaigns in CHANNELS.items() for campaign in campaigns]
    cents = {place: [draw.randrange(5_000), draw.randrange(300), draw.randrange(2_500)] for place in places}
    rows = []
    for shift, model in enumerate(MODELS):
        for n, (channel, campaign) in enumerate(places):
            revenue, refunds, cogs = cents[places[(n + shift) % len(places)]]
            spend = (day.day * 37 + n * 11) % 400 if channel.startswith("Paid") else 0
            money = [Decimal(one).scaleb(-2) for one in (spend, revenue, refunds, cogs)]
            rows.append([day, region, channel, campaign, model, 100, 10, 1, *money])
    return rows


_DERIVED = """
    update finance.romi_daily set net_revenue = revenue - refunds, margin = revenue - refunds - cogs,
        is_final = date <= date '{final_through}';
    insert into finance.romi_monthly by name
        select date_trunc('month', date)::date as month, region, channel, campaign, attribution_model,
            sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
            sum(conversions) as conversions, sum(revenue) as revenue, sum(refunds) as refunds,
            sum(net_revenue) as net_revenue, sum(cogs) as cogs, sum(margin) as margin,
            sum(net_revenue) / nullif(sum(spend), 0) as roas,
            (sum(margin) - sum(spend)) / nullif(sum(spend), 0) as romi,
            sum(spend) / nullif(sum(conversions), 0) as cpa, bool_and(is_final) as is_final,
            sum(if(channel = '(other)', revenue, 0)) as waiting_revenue
        from finance.romi_daily group by all;
    insert into finance.orders_daily by name
        select date, region, sum(conversions)::bigint as orders, sum(revenue) as revenue, sum(refunds) as refunds,
            sum(net_revenue) as net_revenue, sum(cogs) as cogs, sum(margin) as margin,
            (sum(conversions) // 2)::bigint as new_customers
        from finance.romi_daily where attribution_model = 'linear' group by all;
    insert into finance.spend_daily by name
        select date, region, 'google_ads' as platform, channel, campaign, sum(spend) as spend,
            sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks
        from finance.romi_daily where attribution_model = 'linear' and spend > 0 group by all;
    insert into finance.reconciliation_daily by name
        select date, region, orders as ledger_orders, orders as warehouse_orders, 0 as missing_in_warehouse,
            0 as missing_in_ledger, 0 as amount_mismatches, revenue - 1.00 as ledger_revenue,
            revenue as warehouse_revenue, net_revenue as warehouse_net, 1 as event_only_orders,
            1.00 as event_only_revenue, 1 as accuracy
        from finance.orders_daily;
    insert into finance.restatements by name
        select 11 as version, 'orders_daily' as "table", date '2026-08-20' as date, 'eu' as region, 12.34 as
            revenue_change, 0.50 as refunds_change, 1.00 as cogs_change, 'a late order' as why
        union all by name
        select 12 as version, 'spend_daily' as "table", date '2026-08-21' as date, 'us' as region,
            3.00 as spend_change, '=late cost' as why;
    insert into meta.versions by name
        select 12 as version, timestamp '{built_at} 12:00' as built_at, region, timestamp '{built_at}' as
            input_watermark, 0 as withheld_days, false as carried_over
        from finance.orders_daily group by region;
    insert into meta.usable_days by name select date, region, true as is_usable, 'yes' as answer
        from finance.orders_daily
"""


# Tables that a release before did not publish: the report shows them where they are.
OF_BUYERS = """
    alter table finance.orders_daily add column if not exists assumed_cogs decimal(18,2);
    update finance.orders_daily set assumed_cogs = if(region = 'us', cogs, 0);
    alter table finance.spend_daily add column if not exists original_currency varchar;
    alter table finance.spend_daily add column if not exists original_spend decimal(28,4);
    alter table finance.spend_daily add column if not exists rate double;
    update finance.spend_daily set original_currency = if(region = 'us', 'USD', 'EUR'),
        original_spend = if(region = 'us', spend * 2, spend), rate = if(region = 'us', 0.5, 1);
    create table if not exists finance.orders_by_currency (month date, region varchar, currency varchar, orders bigint,
        original_revenue decimal(28,4), original_refunds decimal(28,4), revenue decimal(18,2), refunds decimal(18,2),
        average_rate double);
    insert into finance.orders_by_currency by name
        select date_trunc('month', date)::date as month, region, if(region = 'us', 'USD', 'EUR') as currency,
            sum(orders)::bigint as orders,
            sum(revenue * if(region = 'us', if(month(date) = 9, 2.5, 2), 1)) as original_revenue,
            sum(refunds * if(region = 'us', if(month(date) = 9, 2.5, 2), 1)) as original_refunds,
            sum(revenue) as revenue, sum(refunds) as refunds, any_value(if(region = 'us', 0.5, 1)) as average_rate
        from finance.orders_daily group by all;
    alter table finance.romi_by_segment add column if not exists spend decimal(18,2);
    alter table finance.romi_by_segment add column if not exists cac double;
    insert into finance.romi_by_segment by name
        select month, region, segment, channel, attribution_model, sum(conversions) / 2 as conversions,
            sum(spend) / 2 as spend,
            (sum(if(segment = 'new', spend, null)) / nullif(sum(conversions), 0))::double as cac
        from finance.romi_monthly, (values ('new'), ('repeat')) as segments (segment) group by all;
    create table if not exists finance.payback_cohorts (cohort date, region varchar, channel varchar,
        attribution_model varchar, months_since bigint, month date, buyers decimal(18,6), orders decimal(18,6),
        net_revenue decimal(18,2), margin decimal(18,2), spend decimal(18,2), payback double, is_complete boolean);
    insert into finance.payback_cohorts by name
        select cohort, region, channel, attribution_model, months_since,
            (cohort + to_months(months_since::int))::date as month, 10 as buyers, 10 + months_since as orders,
            100 * (1 + months_since) as net_revenue, 40 * (1 + months_since) as margin, 100 as spend,
            0.4 * (1 + months_since) as payback, month < '2026-10-01' as is_complete
        from (select distinct month as cohort, region, channel, attribution_model from finance.romi_monthly
            where channel like 'Paid%'), range(0, 4) as ages (months_since)
        where cohort + to_months(months_since::int) <= date '2026-10-01';
    create table if not exists finance.data_quality (month date, region varchar, revenue decimal(18,2),
        attributed_share double, no_consent_share double, no_touch_share double, ledger_only_share double,
        small_cell_share double, revenue_without_cost_share double, spend decimal(18,2),
        spend_without_visits_share double, cogs decimal(18,2), assumed_cogs_share double, days_withheld bigint,
        refused_files bigint, refused_rows bigint, refused_revenue decimal(18,2), refused_spend decimal(18,2));
    insert into finance.data_quality by name
        select month, region, sum(revenue) as revenue, 0.5 as attributed_share, 0.2 as no_consent_share,
            0.1 as no_touch_share, 0.05 as ledger_only_share, 0.15 as small_cell_share,
            0.02 as revenue_without_cost_share, sum(spend) as spend, 0.01 as spend_without_visits_share,
            sum(cogs) as cogs, any_value(if(region = 'us', 1, 0)) as assumed_cogs_share,
            1 as days_withheld, 0 as refused_files, 3 as refused_rows, 12.50 as refused_revenue, null as refused_spend
        from finance.romi_monthly where attribution_model = 'linear' group by month, region;
    create table if not exists finance.incremental_romi (month date, region varchar, channel varchar,
        attribution_model varchar, spend decimal(18,2), attributed_margin decimal(18,2),
        incremental_margin decimal(18,2), incremental_margin_low decimal(18,2), incremental_margin_high decimal(18,2),
        grade varchar, source varchar);
    insert into finance.incremental_romi by name
        select month, region, channel, attribution_model, sum(spend) as spend, sum(margin) as attributed_margin,
            null as incremental_margin, 0 as incremental_margin_low, sum(margin) * 2 as incremental_margin_high,
            'C' as grade, 'bounds' as source
        from finance.romi_monthly where attribution_model = 'linear' group by all
"""


@pytest.fixture(scope="session")
def version(tmp_path_factory) -> Path:
    return write_version(tmp_path_factory.mktemp("published") / "000012")


@pytest.fixture(scope="session")
def ask(version):
    """Rows of a query of the version; of one column, its values."""

    def query(sql: str) -> list:
        with duckdb.connect(str(version / "marts.duckdb"), read_only=True) as con:
            rows = con.execute(sql).fetchall()
        return [row[0] for row in rows] if rows and len(rows[0]) == 1 else rows

    return query
