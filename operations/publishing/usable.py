"""Can I use yesterday's numbers? A plain answer for each region and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb

from operations.finality import WATERMARK
from quality.slo import objectives
from settings import Settings, now

NOTHING_LANDED = "no: nothing has landed for it"
_LAST_DAYS = 35
# A shop's last event of a day may come hours before midnight.
_QUIET = timedelta(hours=3)
_DAYS = """
    with reconciled as (from finance.reconciliation_daily)
    select days.day, withheld_reason, is_final, pending_days.day is not null as is_pending, build, ledger_orders,
        event_match_rate
    from ops.days left join ops.pending_days using (day) left join reconciled on reconciled.date = days.day
    where days.day > ? order by all"""


@dataclass(frozen=True)
class Answer:
    """Whether a day's published numbers can be used, and why, in words."""

    day: date
    is_usable: bool
    words: str
    build: int | None = None


def yesterday(settings: Settings, region: str) -> date:
    """The last day that is over in the region."""
    return now().astimezone(_zone(settings, region)).date() - timedelta(days=1)


def answers(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> Iterator[Answer]:
    """An answer for each of the last days up to yesterday, as the region's file stands."""
    last = yesterday(settings, region)
    known = "select count(*) from duckdb_tables() where schema_name = 'finance' and table_name = 'reconciliation_daily'"
    is_built = con.execute(known).fetchall() != [(0,)]
    rows = con.execute(_DAYS, [last - timedelta(_LAST_DAYS)]).fetchall() if is_built else []
    found = {day: rest for day, *rest in rows}
    watermark = con.execute(WATERMARK).fetchall()[0][0]
    for day in (last - timedelta(n) for n in reversed(range(_LAST_DAYS))):
        if day in found:
            withheld, is_final, is_pending, build, orders, match_rate = found[day]
            said = _hindrance(settings, region, day, withheld, is_pending, watermark)
            yield Answer(day, said is None, said or _caveats(settings, is_final, orders, match_rate), build)
        elif found and day >= min(found):
            yield Answer(day, False, NOTHING_LANDED)


def _hindrance(
    settings: Settings, region: str, day: date, withheld: str | None, is_pending: bool, watermark: datetime | None
) -> str | None:
    if withheld:
        return f"no: withheld, {withheld}; its last good rows stand, if any"
    if is_pending:
        return "no: it waits for its rebuild"
    zone = _zone(settings, region)
    over = datetime.combine(day + timedelta(1), time(), zone).astimezone(UTC).replace(tzinfo=None)
    if watermark and watermark < over - _QUIET:
        reached = watermark.replace(tzinfo=UTC).astimezone(zone)
        return f"no: its input has come to {reached:%Y-%m-%d %H:%M} only"
    return None


def _caveats(settings: Settings, is_final: bool, orders: int | None, match_rate: float | None) -> str:
    words = "yes, and it is final" if is_final else "yes; late data may still change it"
    promised = objectives(settings)["event_match_rate"]
    is_telling = orders and orders >= (promised.volume or 0)  # of few orders, a single one without an event is no news
    if is_telling and match_rate is not None and match_rate < promised.objective:
        words += f"; of {1 - match_rate:.1%} of its orders no event came, so less of it than usual is attributed"
    return words


def _zone(settings: Settings, region: str) -> ZoneInfo:
    is_configured = settings.regions is None or region in settings.regions
    return ZoneInfo(settings.region(region).timezone if is_configured else "UTC")
