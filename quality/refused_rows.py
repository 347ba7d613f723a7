"""Rows of ledger and spend that could not be read: money that is missing on its day, so that the gate sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time

import duckdb

from ingestion.table_books import REFUSED_DAYS, REFUSED_ROWS
from quality import sli
from quality.slo import POOLED_DAYS, objectives, pooled
from settings import Settings

_MOST_FACTS = 1_000  # of a day: beyond this more of them say no more


def count(
    con: duckdb.DuckDBPyConnection, days: dict[date, Counter[str]], from_day: date, to_day: date
) -> list[sli.Fact]:
    """Enter refused rows into the counts of their days: one of the ledger is an order that is missing.

    Returns:
        Of each such order that it is wrong, for the service level of accuracy.
    """
    facts: list[sli.Fact] = []
    found = con.execute(
        f"select kind, day, sum(records)::bigint from ({REFUSED_DAYS}) where day between ? and ? group by all",
        [from_day, to_day],
    ).fetchall()
    for kind, day, records in found:
        tally = days[day]
        tally["refused_rows"] += records
        if kind == "ledger":
            for name in ("refused_orders", "ledger_orders", "missing_in_warehouse"):
                tally[name] += records
            facts += [("accuracy", day, datetime.combine(day, time()), True)] * min(records, _MOST_FACTS)
    return facts


def incomplete_costs(
    con: duckdb.DuckDBPyConnection, settings: Settings, from_day: date, to_day: date
) -> Iterator[tuple[date, str]]:
    """Days whose cost lacks rows, too many of the day's and of as many before it as one may be among."""
    promised = objectives(settings)["accuracy"]
    days = f"""
        with refused as (
            select day, sum(records)::bigint as bad from ({REFUSED_DAYS}) where kind = 'spend' group by day
        ),
        read as (select spend_on as day, count(*) as events from raw.spend group by all)
        select 'all' as region, 'accuracy' as slo, day as date, coalesce(events, 0) + coalesce(bad, 0) as events,
            coalesce(bad, 0) as bad, {promised.volume or "null"}::bigint as volume
        from refused full join read using (day)
        where day between date '{from_day}' - {POOLED_DAYS} and date '{to_day}'"""
    judged = con.execute(
        f"""select judged.date, judged_from, (select count(*) from raw.spend
                where spend_on between judged_from and judged.date),
            (select count(*) from ({REFUSED_ROWS}) as one
                where kind = 'spend' and first_day <= judged.date and last_day >= judged_from),
            (select min(name) from ({REFUSED_DAYS}) where kind = 'spend' and day = judged.date)
        from ({pooled(days)}) as judged join ({days}) as own using (date)
        where own.bad > 0 and judged.date >= ? and judged.bad::hugeint * 1000000000 > judged.events::hugeint * ?
        order by all""",
        [from_day, promised.bad_e9],
    ).fetchall()
    for day, judged_from, read, refused, file in judged:
        since = f" since {judged_from}" if judged_from < day else ""
        what = f"{refused:,} of {read + refused:,} rows of spend{since} {'was' if refused == 1 else 'were'} refused"
        yield day, f"cost is incomplete: {what}, as in {file}"
