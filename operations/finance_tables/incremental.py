"""``finance.incremental_romi``: beside what is attributed to a channel, what is known about cause.

It is made of published tables alone, so it tells no more of anybody than they do.
"""

from __future__ import annotations

import duckdb

from operations.finance_tables.published_tables import INCREMENTAL_ROMI

# An experiment is of its own dates, and a month has more cost or less: its effect is taken in proportion to cost.
_SCALED = ", ".join(
    f"cast(round(lift.{name}::double * cells.spend::double / lift.spend::double, 2) as decimal(18, 2)) as {name}"
    for name in ("incremental_margin", "incremental_margin_low", "incremental_margin_high")
)
_RATIOS = ", ".join(
    f"({margin} - spend)::double / nullif(spend, 0)::double as {ratio}"
    for margin, ratio in (
        ("attributed_margin", "attributed_romi"),
        ("incremental_margin", "incremental_romi"),
        ("incremental_margin_low", "incremental_romi_low"),
        ("incremental_margin_high", "incremental_romi_high"),
    )
)
_INCREMENTAL = f"""
    with by_model as (
        select month, region, channel, attribution_model, sum(spend) as spend, sum(margin) as margin,
            bool_and(is_final) as is_final, bool_or(is_partial) as is_partial
        from finance.romi_monthly group by all
    ),
    -- Nobody knows whose these are; what waits in (other) may be any channel's.
    nobodys as (
        select month, region, attribution_model, sum(margin) as margin from by_model
        where channel in ('(unattributed)', '(other)') group by all
    ),
    most as (
        select month, region, channel, greatest(max(by_model.margin + coalesce(nobodys.margin, 0)), 0) as margin
        from by_model left join nobodys using (month, region, attribution_model) group by all
    ),
    cells as (
        select by_model.*, most.margin as most from by_model join most using (month, region, channel)
        where attribution_model = $model and channel not in ('(unattributed)', '(other)')
    ),
    lift as (
        select *, case assignment when 'geography' then 'B' else 'A' end as grade from finance.experiment_lift
        where campaign = '(all)' and spend > 0 and incremental_margin is not null
            and incremental_margin_low is not null and incremental_margin_high is not null
    ),
    shown as (
        select cells.month, cells.region, cells.channel, {_SCALED}, lift.grade,
            'experiment ' || lift.experiment || ', ' || lift.from_date || ' to ' || lift.to_date
                || ', in proportion to spend' as source
        from cells join lift on cells.region = lift.region and cells.channel = lift.channel
            and cells.month between date_trunc('month', lift.from_date) and lift.to_date
        qualify row_number() over (
            partition by cells.month, cells.region, cells.channel
            order by lift.grade, lift.to_date desc, lift.experiment) = 1
    ),
    known as (
        select month, region, channel, attribution_model, cells.spend, cells.margin as attributed_margin,
            shown.incremental_margin,
            case when shown.grade is null then 0 else shown.incremental_margin_low end as incremental_margin_low,
            case when shown.grade is null then most else shown.incremental_margin_high end as incremental_margin_high,
            coalesce(shown.grade, 'C') as grade,
            coalesce(shown.source, 'no experiment: at most what any model credits and what is unattributed') as source,
            cells.is_final, cells.is_partial
        from cells left join shown using (month, region, channel)
    )
    insert into {INCREMENTAL_ROMI} by name select *, {_RATIOS} from known"""


def fill_incremental(con: duckdb.DuckDBPyConnection, model: str) -> None:
    """Fill the table in a version whose other tables of finance are filled.

    Args:
        model: the attribution model whose figures stand beside what is known about cause.
    """
    con.execute(_INCREMENTAL, {"model": model})
