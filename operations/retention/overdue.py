"""What of a region is past its period, asked of each table that can hold such; it shares nothing with the disposal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb

from operations.rebuilding.rules import is_built
from settings import Settings


@dataclass(frozen=True)
class Reach:
    """The first days still within their periods, in the region's time zone; what is before them has to go."""

    today: date
    raw: date
    touches: date
    buyers: date  # first of a month: orders go by whole months, counted from the month's end
    ledger: date  # the same
    letters: datetime
    zone: str

    @staticmethod
    def of(settings: Settings, region: str, now: datetime) -> Reach:
        """`now`: UTC with its offset."""
        is_configured = settings.regions is None or region in settings.regions
        zone = ZoneInfo(settings.region(region).timezone if is_configured else "UTC")
        letters = now.replace(tzinfo=None) - timedelta(days=settings.retention.dead_letter_days)
        periods = settings.retention

        def first_day(days: int) -> date:
            return (now - timedelta(days=days)).astimezone(zone).date()

        return Reach(now.astimezone(zone).date(), first_day(periods.raw_days), first_day(periods.touch_days),
                     first_day(periods.customer_days).replace(day=1),
                     first_day(periods.ledger_days).replace(day=1), letters, zone.key)  # fmt: skip


def overdue(con: duckdb.DuckDBPyConnection, reach: Reach) -> dict[str, int]:
    """Rows past their period, by class."""
    local = f"cast(timezone('{reach.zone}', timezone('UTC', {{}})) as date)"
    events = f"from raw.events where {local.format('occurred_at')} < $raw"
    found = {"raw events": events, "dead letters": "from ops.dead_letters where first_seen_at < $letters"}
    if is_built(con):
        orders = "intermediate.int_orders__conversions"
        found |= {
            "sessions and touches": """from (
                select touched_on as day from intermediate.int_sessions__starts
                union all select touched_on from intermediate.int_sessions__touchpoints
                union all select last_seen_at::date from ops.past_sightings
                union all select touched_on from intermediate.int_attribution__touch_credits where touch_id is not null
            ) where day < $touches""",
            "persons on orders": f"""from (
                select ordered_on as day from {orders} where person_id is not null
                union all select coalesce((select max(ordered_on) from {orders} as one
                    where one.person_id = past_buyers.person_id), '0001-01-01') from ops.past_buyers
            ) where day < $buyers""",
            "orders with their credit": f"""from (
                select ordered_on as day from {orders}
                union all select ordered_on from intermediate.int_attribution__touch_credits
                union all select {local.format("ordered_at")} from raw.ledger_orders
            ) where day < $ledger""",
        }
    days = {"raw": reach.raw, "touches": reach.touches, "buyers": reach.buyers, "ledger": reach.ledger,
            "letters": reach.letters}  # fmt: skip
    return {
        what: con.execute(f"select count(*) {rows}", {one: day for one, day in days.items() if f"${one}" in rows})
        .fetchall()[0][0]
        for what, rows in found.items()
    }  # fmt: skip
