"""``finance.data_quality``: how much of a month rests on what, measured in the region's file as it is published.

What divides orders is taken from published cells, and from fates of orders that step as these do, so that nothing here
tells more of few buyers than they.
"""

from __future__ import annotations

import duckdb

from ingestion.table_books import REFUSED_DAYS
from operations.finance_tables.published_tables import DATA_QUALITY
from quality.proof_record import LAST_STEPS

FATES = ("no_consent", "no_touch", "ledger_only")
_UNNAMED = "('(unattributed)', '(other)')"
_NEEDED = ("romi_monthly", "orders_daily", "spend_daily", "int_privacy__published_fates", "int_privacy__proofs",
           "int_sessions__touchpoints")  # fmt: skip
_OF_FATES = ", ".join(
    f"coalesce(sum(revenue_cents) filter (fate = '{fate}'), 0)::bigint as {fate}_cents" for fate in FATES
)
_SHARES = ", ".join(
    f"{part}::double / nullif({whole}, 0)::double as {name}"
    for name, part, whole in (
        ("attributed_share", "attributed", "revenue"),
        *((f"{fate}_share", f"{fate}_cents / 100", "revenue") for fate in FATES),
        ("small_cell_share", f"(revenue - attributed - ({' + '.join(f'{fate}_cents' for fate in FATES)}) / 100)",
         "revenue"),
        ("revenue_without_cost_share", "without_cost", "revenue"),
        ("spend_without_visits_share", "without_visits", "spend"),
        ("assumed_cogs_share", "assumed_cogs", "cogs"),
    )
)  # fmt: skip
# To the cent it would tell what those few spent for whose sake something is kept back.
_BANDS = " ".join(f"when kept <= {most} * revenue then {most}" for most in (0.01, 0.05, 0.1, 0.25, 0.5))
_KEPT_SHARE = f"case when kept is null then null when kept <= 0 then 0 {_BANDS} else 1 end::double as repair_cost_share"
# What was refused has no amount that can be read: a row is worth what one of its kind is on average in that month.
_QUALITY = f"""
    create or replace temp table data_quality as
    with sold as (
        select date_trunc('month', date)::date as month, sum(orders) as orders, sum(revenue) as revenue,
            sum(cogs) as cogs, sum(assumed_cogs) as assumed_cogs from finance.orders_daily group by all
    ),
    credited as (
        select month, coalesce(sum(revenue) filter (channel not in {_UNNAMED}), 0) as attributed,
            coalesce(sum(revenue) filter (channel not in {_UNNAMED} and spend = 0), 0) as without_cost
        from finance.romi_monthly where attribution_model = 'linear' group by month
    ),
    fates as (
        select month, {_OF_FATES} from intermediate.int_privacy__published_fates where level > 0 group by month
    ),
    visits as (
        select distinct date_trunc('month', touched_on)::date as month, channel, campaign
        from intermediate.int_sessions__touchpoints
    ),
    costs as (
        select date_trunc('month', date)::date as month, channel, campaign, sum(spend) as spend
        from finance.spend_daily group by all
    ),
    spent as (
        select costs.month, sum(spend) as spend,
            -- Visits of months long past are disposed of, so that nothing can be told of them.
            case when any_value(known.month) is not null
                then coalesce(sum(spend) filter (visits.month is null), 0) end as without_visits
        from costs left join visits using (month, channel, campaign)
        left join (select distinct month from visits) as known on costs.month = known.month
        group by costs.month
    ),
    proofs as (
        select month, not is_fallen_back as is_proved, looked_at as cells_checked, found as cells_found,
            repaired as repairs, cost_cents / 100 as kept
        from ({LAST_STEPS})
    ),
    rows_of_spend as (select date_trunc('month', spend_on)::date as month, count(*) as n from raw.spend group by all),
    refused as (
        select date_trunc('month', day)::date as month, count(distinct name) as refused_files,
            sum(records)::bigint as refused_rows,
            coalesce(sum(records) filter (kind = 'ledger'), 0) as of_ledger,
            coalesce(sum(records) filter (kind = 'spend'), 0) as of_spend
        from ({REFUSED_DAYS}) group by all
    ),
    together as (
        select month, coalesce(revenue, 0) as revenue, coalesce(orders, 0) as orders, coalesce(cogs, 0) as cogs,
            coalesce(assumed_cogs, 0) as assumed_cogs, coalesce(attributed, 0) as attributed,
            coalesce(without_cost, 0) as without_cost, coalesce(spend, 0) as spend, without_visits,
            {", ".join(f"coalesce({fate}_cents, 0) as {fate}_cents" for fate in FATES)},
            coalesce(refused_files, 0) as refused_files, coalesce(refused_rows, 0) as refused_rows,
            coalesce(of_ledger, 0) as of_ledger, coalesce(of_spend, 0) as of_spend, coalesce(n, 0) as n,
            is_proved, cells_checked, cells_found, repairs, kept
        from sold full join spent using (month) full join refused using (month) left join credited using (month)
        left join fates using (month) left join rows_of_spend using (month) left join proofs using (month)
    )
    select month, $region as region, revenue, spend, cogs, {_SHARES}, 0::bigint as days_withheld, refused_files,
        refused_rows,
        case when of_ledger = 0 then 0 else round(of_ledger * revenue::double / nullif(orders, 0), 2) end
            ::decimal(18, 2) as refused_revenue,
        case when of_spend = 0 then 0 else round(of_spend * spend::double / nullif(n, 0), 2) end
            ::decimal(18, 2) as refused_spend,
        is_proved, cells_checked, cells_found, repairs, {_KEPT_SHARE}
    from together"""
_WITHHELD = f"""
    with held as (
        select date_trunc('month', day)::date as month, count(*) as days from (select unnest($days::date[]) as day)
        group by all
    )
    insert into {DATA_QUALITY} by name
    select month, $region as region, days as days_withheld, false as is_final
    from held anti join (from {DATA_QUALITY} where region = $region) using (month);
    update {DATA_QUALITY} set days_withheld = coalesce((
        select count(*) from (select unnest($days::date[]) as day) where date_trunc('month', day) = month), 0)
    where region = $region"""


def measure_quality(con: duckdb.DuckDBPyConnection, region: str) -> bool:
    """Measure each month of a region's open file, as the temporary table ``data_quality``.

    Returns:
        Whether all that is measured has been built.
    """
    tables = "select count(*) from duckdb_tables() where list_contains($needed::varchar[], table_name)"
    if con.execute(tables, {"needed": _NEEDED}).fetchall() != [(len(_NEEDED),)]:
        return False
    con.execute(_QUALITY, {"region": region})
    return True


def count_withheld_days(con: duckdb.DuckDBPyConnection, region: str, days: list[str]) -> None:
    """Enter a region's withheld days into the table of a version being built; their months show last good rows."""
    for statement in _WITHHELD.split(";"):
        con.execute(statement, {"region": region, "days": days})
