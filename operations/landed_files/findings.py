"""What to say of landed files: every one that is not read or lost rows, by name, with what to change."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from ingestion import strays
from ingestion.notes import ADDED_UP, TOTAL, UNREAD_SHEET
from ingestion.sources.tabular.read import expected_of
from ingestion.table_books import LAST_DELIVERIES
from settings import Settings, TransientError, UsageError

# Rows of a delivery that one loaded since then stands before: of the same account, or where one of both names none.
_REPLACED = """
    with fresh as (
        select distinct platform, spend_on, campaign_id, account, delivery_order from raw.spend
        semi join (select name as file from ops.archives where archive_id > $after and state = 'loaded') using (file)
    )
    select count(*) from raw.spend as earlier where exists (
        from fresh where fresh.platform = earlier.platform and fresh.spend_on = earlier.spend_on
            and fresh.campaign_id = earlier.campaign_id
            and coalesce(earlier.delivery_order, earlier.file) < fresh.delivery_order
            and (fresh.account is null or earlier.account is null or fresh.account = earlier.account))"""


def all_lines(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> list[str]:
    """How a region's files stand now: those that are not read, and the rows that were refused of the others."""
    return [*unread_files(con), *unread_sheets(con), *refused_rows(con), *ignored_files(settings, region)]


def unread_files(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """A line for each file of which nothing is loaded."""
    corrupt = "select kind, name, problem from ops.archives where state = 'corrupt' order by kind, name"
    for kind, name, problem in con.execute(corrupt).fetchall():
        advice = "; ask upstream for it anew: it is read when it changes" if kind == "events" else ""
        yield f"{name} is not read: {problem}{advice}"


def unread_sheets(con: duckdb.DuckDBPyConnection, after_archive: int = 0) -> Iterator[str]:
    """A line for each sheet that is passed over in a workbook whose first such sheet is read."""
    found = con.execute(
        f"""select name, field from ops.notes join ops.archives using (archive_id)
        where note = '{UNREAD_SHEET}' and archive_id > ? and archive_id in (select archive_id from ({LAST_DELIVERIES}))
        order by all""",
        [after_archive],
    ).fetchall()
    for name, sheet in found:
        yield f"{name}: the sheet {sheet!r} has such a table, too, and is not read: export it as a file of its own"


def refused_rows(con: duckdb.DuckDBPyConnection, after_archive: int = 0) -> Iterator[str]:
    """A line for each file, reason and column of rows that were refused in deliveries booked after that one."""
    found = con.execute(
        f"""select name, reason, column_name, count(*), min(line)
        from ops.refused_rows join ops.archives using (archive_id)
        where archive_id > ? and (kind = 'fx' or archive_id in (select archive_id from ({LAST_DELIVERIES})))
        group by all order by name, min(line)""",
        [after_archive],
    ).fetchall()
    for name, reason, column, rows, line in found:
        counted = (
            f"1 row is refused, line {line}" if rows == 1 else f"{rows:,} rows are refused, the first in line {line}"
        )
        yield f"{name}: {counted}, column {column}: {reason}, {expected_of(reason, name)}"


def added_up(con: duckdb.DuckDBPyConnection, after_archive: int) -> Iterator[str]:
    """How many rows of cost were added up with others, replaced by later deliveries, or left out as sums of others."""
    noted = dict(con.execute(
        "select note, sum(records)::bigint from ops.notes where archive_id > ? group by note", [after_archive],
    ).fetchall())  # fmt: skip
    replaced = con.execute(_REPLACED, {"after": after_archive}).fetchall()[0][0]
    parts = [
        f"{noted[ADDED_UP]:,} rows added up with others of their campaign and day" if noted.get(ADDED_UP) else "",
        f"{replaced:,} rows of earlier deliveries replaced by later ones" if replaced else "",
        f"{noted[TOTAL]:,} total line{'s' * (noted[TOTAL] != 1)} left out" if noted.get(TOTAL) else "",
    ]
    if any(parts):
        yield f"tables: {', '.join(filter(None, parts))}"


def ignored_files(settings: Settings, region: str | None) -> Iterator[str]:
    """A line for each file of a region's, or of the top's, that no reader takes; of archives one for each reason."""
    try:
        found = strays.strays_at_top(settings) if region is None else strays.strays(settings, region)
    except (UsageError, TransientError):  # no such landing zone: a backfill needs none
        return
    yield from why_ignored(found)


def why_ignored(names: list[str]) -> Iterator[str]:
    """Why each of the files is not read. Of archives there may be thousands, and one setting is what they all lack."""
    archives: dict[str, list[str]] = {}
    for name in names:
        why = strays.why_stray(name)
        if name.startswith("events/"):
            archives.setdefault(why, []).append(name)
        else:
            yield f"{name} is not read: {why}"
    for why, alike in archives.items():
        if len(alike) == 1:
            yield f"{alike[0]} is not read: {why}"
        else:
            yield f"{len(alike):,} archives are not read, the first {alike[0]}: {why}"


def vanished_files(con: duckdb.DuckDBPyConnection, fresh: list[str]) -> Iterator[str]:
    """A line for each file that went from the landing zone since the last run."""
    for name in fresh:
        yield f"{name} is gone from the landing zone, and its rows still count: `romi files forget` takes them out"
