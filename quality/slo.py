"""Service levels: what each day achieved, what is left of the error budget, and how fast it burned.

All of it is arithmetic over facts, a relation with a row for each region, service level, day and moment: so many
events, so many of them bad. It knows no persons, and not what the events are.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil

import duckdb
import polars as pl

from settings import Settings

POOLED_DAYS = 28
_BUDGET_DAYS, _YEAR = 28, 365
_PERCENTILE = Decimal("0.99")
_WINDOWS = {"5m": 5, "30m": 30, "1h": 60, "6h": 360, "3d": 4320}  # minutes
# Alerts of the SRE workbook: both windows have to burn faster; the short one ends the alarm in time.
_RULES = (("1h", "5m", 14.4, "page"), ("6h", "30m", 6.0, "page"), ("3d", "6h", 1.0, "ticket"))
FACTS = {
    "region": "varchar", "slo": "varchar", "date": "date", "counted_at": "timestamp", "events": "bigint",
    "bad": "bigint", "value": "double",
}  # fmt: skip
DAILY = {
    "date": "date", "region": "varchar", "slo": "varchar", "unit": "varchar", "objective": "double",
    "achieved": "double", "is_met": "boolean", "judged_from": "date", "events": "bigint", "bad_events": "bigint",
    "error_budget_left": "double", "burn_rate_1h": "double", "burn_rate_6h": "double", "burn_rate_3d": "double",
    "alert": "varchar",
}  # fmt: skip


@dataclass(frozen=True)
class Objective:
    """What is promised: so large a share of good events, or a percentile of what they took."""

    slo: str
    objective: Decimal  # in `unit`
    unit: str
    share: Decimal  # of events that have to be good
    budget_days: int = _BUDGET_DAYS

    @property
    def bad_e9(self) -> int:
        """How many of 10^9 events may be bad."""
        return int((1 - self.share).scaleb(9))

    @property
    def volume(self) -> int | None:
        """The fewest events of which one may be bad; None where none ever may."""
        return ceil(Decimal(10**9) / self.bad_e9) if self.bad_e9 else None


def objectives(settings: Settings) -> dict[str, Objective]:
    """The service levels of the configuration; of each mart there is a `freshness_hours.<mart>`."""
    slo = settings.slo
    shares = {
        "accuracy": slo.accuracy, "records_accounted": slo.accuracy, "event_match_rate": slo.event_match_rate,
    }  # fmt: skip
    found = [
        *[Objective(name, share, "share", share) for name, share in shares.items()],
        Objective("availability", slo.availability, "share", slo.availability, _YEAR),
        Objective("ingest_latency_ms", Decimal(slo.ingest_latency_ms), "ms", _PERCENTILE),
        Objective("freshness_hours", Decimal(slo.freshness_hours), "hours", _PERCENTILE),
    ]
    return {one.slo: one for one in found}


def pooled(days: str) -> str:
    """SQL for the days that each day is judged over: so many before it that one bad event may be among them.

    Args:
        days: a relation ``(region, slo, date, events, bad, volume)``, a row a day.

    Returns:
        A query ``(region, slo, date, judged_from, events, bad)``: over 28 days where even they have too little.
    """
    return f"""
        with days as ({days}),
        reaches as (
            select day.region, day.slo, day.date, earlier.date as judged_from, day.volume,
                sum(earlier.events) over reach as events, sum(earlier.bad) over reach as bad
            from days as day join days as earlier
                on day.region = earlier.region and day.slo = earlier.slo
                    and earlier.date between day.date - {POOLED_DAYS - 1} and day.date
            window reach as (partition by day.region, day.slo, day.date order by earlier.date desc)
        )
        select region, slo, date, judged_from, events::bigint as events, bad::bigint as bad from reaches
        qualify row_number() over (
            partition by region, slo, date
            order by coalesce(events >= volume, false) desc,
                case when events >= volume then judged_from end desc nulls last, judged_from) = 1"""


_JUDGED = """
    create or replace temp table slo_facts as
    select facts.region, facts.slo, facts.date, facts.counted_at, facts.events, facts.value,
        coalesce(facts.bad, case when facts.value > objective then facts.events else 0 end) as bad,
        objective, unit, share, bad_e9, volume, budget_days
    from facts join promised on promised.slo = split_part(facts.slo, '.', 1) where facts.events > 0"""

_SUMS = ", ".join(f"sum({what}) over last_{name} as {what}_{name}" for name in _WINDOWS for what in ("events", "bad"))
_LAST = ", ".join(
    f"last_{name} as (partition by region, slo order by slot"
    f" range between interval {minutes - 5} minutes preceding and current row)"
    for name, minutes in _WINDOWS.items()
)
_RATES = ", ".join(
    f"case when events_{long} >= $minimum_volume then"
    f" least(bad_{long} / events_{long}, bad_{short} / events_{short}) * 1e9 / greatest(bad_e9, 1) end"
    f" as burn_rate_{long}"
    for long, short, _, _ in _RULES
)
_HIGHEST = ", ".join(f"max(burn_rate_{long}) as burn_rate_{long}" for long, *_ in _RULES)
# One bad event alone is no alarm.
_ALERT = " ".join(
    f"when bool_or(burn_rate_{long} > {limit} and bad_{long} > 1) then '{alert}'" for long, _, limit, alert in _RULES
)
_BURNS = f"""
    with slots as (
        select region, slo, date, time_bucket(interval 5 minutes, counted_at) as slot, any_value(bad_e9) as bad_e9,
            sum(events) as events, sum(bad) as bad
        from slo_facts group by region, slo, date, slot
    ),
    windows as (select *, {_SUMS} from slots window {_LAST}),
    rates as (select *, {_RATES} from windows)
    select region, slo, date, {_HIGHEST}, case {_ALERT} end as alert from rates group by all"""

_ACHIEVED = f"""
    create or replace temp table slo_judged as
    with days as (
        select region, slo, date, sum(events) as events, sum(bad) as bad, any_value(volume) as volume
        from slo_facts group by region, slo, date
    ),
    judged as ({pooled("from days")}),
    -- What a percentile is of: all values of the days that are judged together.
    percentiles as (
        select judged.region, judged.slo, judged.date, quantile_disc(slo_facts.value, {_PERCENTILE}) as percentile
        from judged join slo_facts on judged.region = slo_facts.region and judged.slo = slo_facts.slo
            and slo_facts.date between judged_from and judged.date
        where slo_facts.value is not null group by all
    )
    select judged.*, percentile from judged left join percentiles using (region, slo, date)"""

_LEFT = """
    select day.region, day.slo, day.date, sum(earlier.events) as events, sum(earlier.bad) as bad,
        any_value(day.bad_e9) as bad_e9, any_value(day.unit) as unit, any_value(day.objective) as objective
    from days as day join days as earlier
        on day.region = earlier.region and day.slo = earlier.slo
            and earlier.date between day.date - day.budget_days::integer + 1 and day.date
    group by all"""


def judge(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Make the temporary table ``slo_days``, with the columns of ``finance.slo_daily``, of the relation ``facts``.

    ``facts`` has the columns of :data:`FACTS`; where `bad` is NULL, it goes by whether `value` is over the objective.
    """
    promised = [
        {"slo": one.slo, "objective": float(one.objective), "unit": one.unit, "share": float(one.share),
         "bad_e9": one.bad_e9, "volume": one.volume, "budget_days": one.budget_days}
        for one in objectives(settings).values()
    ]  # fmt: skip
    con.register("promised", pl.DataFrame(promised).to_arrow())
    con.execute(_JUDGED)
    con.unregister("promised")
    con.execute(_ACHIEVED)
    con.execute(
        f"""
        create or replace temp table slo_days as
        with days as (
            select region, slo, date, sum(events) as events, sum(bad) as bad, any_value(bad_e9) as bad_e9,
                any_value(unit) as unit, any_value(objective) as objective, any_value(budget_days) as budget_days
            from slo_facts group by region, slo, date
        ),
        budgets as ({_LEFT}),
        burns as ({_BURNS})
        select date, region, slo, unit, objective, coalesce(percentile, 1 - judged.bad / judged.events) as achieved,
            judged.bad::hugeint * 1000000000 <= judged.events::hugeint * bad_e9 as is_met, judged_from,
            days.events::bigint as events, days.bad::bigint as bad_events,
            case when bad_e9 > 0 then 1 - budgets.bad * 1e9 / (budgets.events * bad_e9)
                else (budgets.bad = 0)::integer end as error_budget_left,
            burn_rate_1h, burn_rate_6h, burn_rate_3d, alert
        from slo_judged as judged
        join budgets using (region, slo, date)
        join (select region, slo, date, events, bad from days) as days using (region, slo, date)
        join burns using (region, slo, date)""",
        {"minimum_volume": settings.slo.burn_minimum_volume},
    )
