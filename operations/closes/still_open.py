"""What of a month is still open, so that it cannot be closed: each with the command that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import duckdb

from ingestion.books import region_file
from ingestion.table_books import REFUSED_ROWS
from operations.closes.locks import all_locks, month_name, next_month
from operations.publishing.region_marts import RegionLateError, read_region
from operations.rebuilding.finality import WATERMARK
from operations.store.memory.findings import of_region
from operations.store.memory.published import of_warehouse
from operations.store.versions import current_version, pinned_version, shown_regions, version_dir
from settings import PermanentError, RomiError, Settings


@dataclass(frozen=True)
class Open:
    """Something that is open: its kind, its region (None: of the warehouse), `what` it is, and what `mend`s it."""

    kind: str
    region: str | None
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{f'{self.region}: ' if self.region else ''}{self.what}; {self.mend}"


class StillOpenError(PermanentError):
    """The month cannot be closed yet."""

    def __init__(self, month: date, found: list[Open]) -> None:
        self.month, self.found = month, found
        super().__init__(f"{month_name(month)} is not closed, since {len(found)} things are open: {found[0]}")


def still_open(settings: Settings, month: date) -> list[Open]:
    """Everything that is open of the month that begins on that day; an empty list lets it be closed.

    The caller holds the warehouse.
    """
    found = [*_of_published(settings), *_of_months_before(settings, month)]
    if current_version(settings) is None:
        return found
    for region in sorted({*settings.known_regions(), *shown_regions(settings)}):
        found += _of_region(settings, region, month)
    return found


def _of_published(settings: Settings) -> Iterator[Open]:
    for one in of_warehouse(settings):
        yield Open("lost", None, one.what, one.mend)
    if (pinned := pinned_version(settings)) is not None:
        yield Open("pinned", None, f"version {pinned} is pinned", "`romi publish unpin`, then `romi run`")
    if current_version(settings) is None:
        yield Open("published", None, "nothing is published yet", "`romi run --landing DIR`")


def _of_months_before(settings: Settings, month: date) -> Iterator[Open]:
    """Months are closed in order, from the first that was closed."""
    locks = all_locks(settings)
    closed = {lock.month for lock in locks if lock.is_in_force}
    before = min((lock.month for lock in locks), default=month)
    while before < month:
        if before not in closed:
            name = month_name(before)
            yield Open("order", None, f"{name} comes before it and is not closed", f"`romi close {name}` first")
        before = next_month(before)


def _of_region(settings: Settings, region: str, month: date) -> Iterator[Open]:
    stopped = [Open("stopped", region, one.what, one.mend) for one in of_region(settings, region)]
    try:
        read = read_region(settings, region, with_rows=False)
    except RegionLateError as error:
        yield from stopped or [Open("stopped", region, error.reason, "`romi doctor` says more, and `romi run`")]
        return
    yield from stopped
    shown = shown_regions(settings).get(region)
    if shown is None or shown["build"] < read.state.build or shown["carried_over"]:
        yield Open("published", region, "what is published is not its last build", "`romi run`")
    try:
        with region_file(settings, region, read_only=True) as con:
            yield from _of_file(con, settings, region, month)
    except (RomiError, duckdb.Error) as error:
        yield Open("stopped", region, f"its file cannot be read ({type(error).__name__})", "`romi doctor`")
    yield from _unreconciled(settings, region, month)


def _of_file(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, month: date) -> Iterator[Open]:
    days = {"first": month, "last": next_month(month) - timedelta(days=1)}
    withheld = con.execute(
        """select day, withheld_reason from ops.days
        where withheld_reason is not null and day between $first and $last order by day""", days,
    ).fetchall()  # fmt: skip
    if withheld:
        (day, why), *others = withheld
        more = f", and {len(others)} more days" if others else ""
        yield Open("withheld", region, f"{day} is withheld ({why}){more}",
                   "`romi status` names each; remove the cause and `romi run`")  # fmt: skip
    pending = "select count(*) from ops.pending_days where day between $first and $last"
    if count := _count(con, pending, days) or _count(con, "select count(*) from ops.changes"):
        yield Open("pending", region, f"{count:,} changes wait to be rebuilt", "`romi run`")
    unpriced = "select count(*) from ops.unpriced_orders where day between $first and $last"
    if count := _count(con, unpriced, days):
        yield Open("rates", region, f"{count:,} orders have no reference rate",
                   "land the ECB's file (`fx/eurofxref-hist.csv`) and `romi run`")  # fmt: skip
    yield from _refused(con, settings, region, days)
    yield from _not_past(con, settings, region, days["last"])


def _refused(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, days: dict[str, date]) -> Iterator[Open]:
    files = [name for (name,) in con.execute(_REFUSED_FILES, days).fetchall()]
    if len(files) > settings.close.refused_files:
        yield Open("files", region, f"{len(files):,} files cannot be read, the first is {files[0]}",
                   "ask upstream for it again and `romi run`, or raise `close.refused_files`")  # fmt: skip
    rows = _count(con, _REFUSED_ROWS, days)
    if rows > settings.close.refused_rows:
        yield Open("rows", region, f"{rows:,} rows of ledger or spend were refused",
                   "`romi files show FILE` names them; land them corrected, or raise `close.refused_rows`")  # fmt: skip


# An archive that is lost or broken may hold what its neighbours' times allow; a table, anything.
_REFUSED_FILES = """
    with loaded as (
        select topic, partition, start_offset, earliest, latest
        from ops.archives join ops.archive_spans using (archive_id) where kind = 'events' and state = 'loaded'
    ),
    broken as (
        select name, kind, min(start_offset) as start_offset, any_value(topic) as topic,
            any_value(partition) as partition
        from ops.archives where state = 'corrupt' group by name, kind
    )
    select name from broken
    where kind <> 'events' or coalesce((
        select max(latest) from loaded
        where loaded.topic = broken.topic and loaded.partition = broken.partition
            and loaded.start_offset < broken.start_offset) < $last::date + 2, true)
        and coalesce((
        select min(earliest) from loaded
        where loaded.topic = broken.topic and loaded.partition = broken.partition
            and loaded.start_offset > broken.start_offset) >= $first::date - 1, true)
    order by name"""
_REFUSED_ROWS = f"select count(*) from ({REFUSED_ROWS}) where first_day <= $last::date and last_day >= $first::date"


def _not_past(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, last: date) -> Iterator[Open]:
    """The ledger tells of orders up to its latest; without any ledger, the input does."""
    latest = con.execute("select max(greatest(ordered_at, updated_at)) from raw.ledger_orders").fetchall()[0][0]
    what = "the ledger"
    if latest is None:
        what, latest = "the input", con.execute(WATERMARK).fetchall()[0][0]
    day = latest and latest.replace(tzinfo=UTC).astimezone(ZoneInfo(settings.region(region).timezone)).date()
    if day is None or day <= last:
        reaches = f"reaches only {day}" if day else "has nothing"
        yield Open("ledger", region, f"{what} {reaches}, not past {last}",
                   "land one that goes past that day, and `romi run`")  # fmt: skip


def _unreconciled(settings: Settings, region: str, month: date) -> Iterator[Open]:
    current = current_version(settings)
    assert current is not None
    with duckdb.connect(str(version_dir(settings, current) / "marts.duckdb"), read_only=True) as con:
        count, has_ledger = con.execute(
            """select coalesce(sum(missing_in_warehouse + missing_in_ledger + wrong_amounts)
                    filter (date_trunc('month', date) = $month), 0)::bigint, coalesce(sum(ledger_orders), 0) > 0
            from finance.reconciliation_daily where region = $region""",
            {"month": month, "region": region},
        ).fetchall()[0]
    if has_ledger and count > settings.close.unreconciled_orders:
        yield Open("unreconciled", region, f"{count:,} orders do not agree with the ledger"
                   f" (the limit is {settings.close.unreconciled_orders:,})",
                   "`finance.reconciliation_daily` has their days; correct them, or raise `close.unreconciled_orders`"
                   )  # fmt: skip


def _count(con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, date] | None = None) -> int:
    found: int = con.execute(query, parameters or {}).fetchall()[0][0]
    return found
