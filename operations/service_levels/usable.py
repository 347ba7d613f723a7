"""Can I use yesterday's numbers? A plain answer for each region and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import duckdb

from operations.rebuilding.finality import WATERMARK
from quality import sli
from quality.slo import POOLED_DAYS, objectives
from settings import Settings, now

NOTHING_LANDED = "no: nothing has landed for it"
_LAST_DAYS = 35
# A shop's last event of a day may come hours before midnight: so many at least, and as many as usual in its last weeks.
_QUIET, _USUAL_DAYS = timedelta(hours=3), 28
# Of few orders a single one without an event is no news, so the days before are taken with it.
_DAYS = f"""
    with days as (from ops.days where build > 0 and day > $first - {POOLED_DAYS}),
    reconciled as (from finance.reconciliation_daily where ledger_orders > 0)
    select days.day, withheld_reason, is_final, pending_days.day is not null, build, ledger_orders, event_match_rate,
        sum(ledger_orders) over last_days as pooled_orders,
        sum(ledger_orders * event_match_rate) over last_days / sum(ledger_orders) over last_days as pooled_rate
    from days left join ops.pending_days using (day) left join reconciled on reconciled.date = days.day
    window last_days as (order by days.day range between interval {POOLED_DAYS - 1} days preceding and current row)
    qualify days.day > $first order by days.day"""
# Of a table's file that was mended since nothing is left to say.
_UNREAD = """
    with files as (
        from ops.archives where kind in ('ledger', 'spend')
        qualify row_number() over (partition by kind, name order by archive_id desc) = 1
    )
    select kind, count(*) filter (state = 'corrupt'), any_value(name) filter (state = 'corrupt'),
        coalesce(sum(fates.records), 0)
    from files left join ops.fates on files.archive_id = fates.archive_id and fate = 'dead_letter'
    group by kind order by kind"""


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
    """An answer for each of the last days up to yesterday, as the region's file stands.

    Args:
        con: the region's file, after :func:`quality.sli.make_facts`.
    """
    last = yesterday(settings, region)
    known = "select count(*) from duckdb_tables() where schema_name = 'finance' and table_name = 'reconciliation_daily'"
    is_built = con.execute(known).fetchall() != [(0,)]
    rows = con.execute(_DAYS, {"first": last - timedelta(_LAST_DAYS)}).fetchall() if is_built else []
    found = {day: rest for day, *rest in rows}
    input_ = _Input(con, settings, region, last) if found else None
    for day in (last - timedelta(n) for n in reversed(range(_LAST_DAYS))):
        if day in found and input_:
            withheld, is_final, is_pending, build, *matched = found[day]
            said = _state(withheld, is_pending) or input_.hindrance(settings, day, is_final)
            words = "yes, and it is final" if is_final else "yes; late data may still change it"
            caveats = [words, *input_.caveats(day, is_final), *_unmatched(settings, *matched)]
            yield Answer(day, said is None, said or "; ".join(caveats), build)
        elif found and day >= min(found):
            yield Answer(day, False, NOTHING_LANDED)


def _state(withheld: str | None, is_pending: bool) -> str | None:
    if withheld:
        return f"no: withheld, {withheld}; its last good rows stand, if any"
    return "no: it waits for its rebuild" if is_pending else None


def _unmatched(
    settings: Settings, orders: int | None, rate: float | None, pooled_orders: int | None, pooled_rate: float | None
) -> Iterator[str]:
    promised = objectives(settings)["event_match_rate"]
    of = "of its orders"
    if (orders or 0) < (promised.volume or 0):
        orders, rate, of = pooled_orders, pooled_rate, f"of the orders of its last {POOLED_DAYS} days"
    if orders and orders >= (promised.volume or 0) and rate is not None and rate < promised.objective:
        yield f"{1 - rate:.1%} {of} came without an event, so less of them than usual is attributed"


class _Input:
    """How far a region's input has come, and what of it was lost."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: Settings, region: str, last: date) -> None:
        self._con, self._last, self.zone = con, last, _zone(settings, region)
        self.watermark: datetime | None = con.execute(WATERMARK).fetchall()[0][0]
        self.lost = sli.lost_records(con)
        # By kind: corrupt files, one of them, rows that could not be read.
        self.unread: list[tuple[str, int, str | None, int]] = con.execute(_UNREAD).fetchall()

    @cached_property
    def quiet(self) -> timedelta:
        """How long before midnight the last event of a day usually comes."""
        local = f"timezone('{self.zone.key}', timezone('UTC', latest))"  # dear, so not of every event
        usual: timedelta | None = self._con.execute(
            f"""with heard as (
                select max(occurred_at) as latest from raw.events
                where occurred_at between $last::date - {_USUAL_DAYS} and $last::date
                group by time_bucket(interval 15 minutes, occurred_at)
            )
            select quantile_disc(quiet, 0.9) from (
                select date_trunc('day', {local}) + interval 1 day - max({local}) as quiet from heard
                group by date_trunc('day', {local}))""",
            {"last": self._last},
        ).fetchall()[0][0]
        return max(_QUIET, usual or _QUIET)

    def hindrance(self, settings: Settings, day: date, is_final: bool) -> str | None:
        over = datetime.combine(day + timedelta(1), time(), self.zone).astimezone(UTC).replace(tzinfo=None)
        if self.watermark and self.watermark < over - _QUIET and self.watermark < over - self.quiet:
            reached = self.watermark.replace(tzinfo=UTC).astimezone(self.zone)
            return f"no: its input has come to {reached:%Y-%m-%d %H:%M} only"
        events, bad = self.lost.get(day, (0, 0))
        if bad > events * (1 - settings.slo.accuracy):
            return f"no: {bad:,} of its {events:,} records are lost or not accounted for"
        for kind, corrupt, name, _ in self.unread:
            if corrupt and not is_final:
                return f"no: {kind} file {name} cannot be read" + (f", and {corrupt - 1} more" if corrupt > 1 else "")
        return None

    def caveats(self, day: date, is_final: bool) -> Iterator[str]:
        _, bad = self.lost.get(day, (0, 0))
        if bad:
            yield f"{bad:,} of its records are lost or not accounted for"
        for kind, _, _, rows in self.unread:
            if rows and not is_final:
                yield f"{rows:,} rows of {kind} files could not be read, of this or other days"


def _zone(settings: Settings, region: str) -> ZoneInfo:
    is_configured = settings.regions is None or region in settings.regions
    return ZoneInfo(settings.region(region).timezone if is_configured else "UTC")
