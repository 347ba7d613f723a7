"""What a run came upon that fails nothing and that somebody should look at, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import duckdb

from ingestion import landing, notes
from ingestion.books import region_file
from operations import status
from operations.rights.requests import unfinished_lines
from operations.service_levels.slo_facts import WHOLE
from privacy.suppression_book import SuppressionBook
from quality import order_matching
from settings import RomiError, Settings, TransientError, UsageError

_ROWS = {"events": "records of events", "ledger": "rows of ledger", "spend": "rows of spend", "fx": "rows of fx"}


def booked_so_far(settings: Settings) -> dict[str, int]:
    """The last archive in the books of each region that can be opened: what comes after it is the run's."""
    found = {}
    for region in _regions(settings):
        if not settings.region_file(region).exists():
            found[region] = 0
            continue
        try:
            with region_file(settings, region, read_only=True) as con:
                found[region] = con.execute("select coalesce(max(archive_id), 0) from ops.archives").fetchall()[0][0]
        except RomiError:
            continue
    return found


def mended_tombstones(settings: Settings, regions: list[str]) -> list[str]:
    """What came back of the suppression books from their second place; a region that lacks more fails by itself."""
    lines = []
    for region in regions:
        with suppress(RomiError):
            lines += [f"{region}: {line}" for line in SuppressionBook(settings.warehouse, region).mend()]
    return lines


def warnings(settings: Settings, booked: dict[str, int]) -> list[str]:
    """By region: corrupt archives, what was set aside since `booked`, a landing folder that is gone; then open erasures
    and alerts."""
    lines: list[str] = []
    for region in _regions(settings):
        if not settings.region_file(region).exists():
            continue
        try:
            with region_file(settings, region, read_only=True) as con:
                lines += [f"{region}: {line}" for line in _of_books(con, booked.get(region, 0))]
                lines += [f"{region}: {line}" for line in _of_landing(con, settings, region)]
                lines += [f"{region}: {line}" for line in _links(settings, region)]
                lines += [f"{region}: {line}" for line in order_matching.warnings(con, settings)]
        except RomiError:  # the run has told of it as a failure
            continue
    lines += _links(settings, None)
    lines += unfinished_lines(settings)
    return lines + [f"{name.removeprefix(f'{WHOLE} ')}: {alert}" for name, alert in status.alerts(settings).items()]


def _regions(settings: Settings) -> list[str]:
    try:
        return sorted({*settings.known_regions(), *landing.regions(settings)})
    except (UsageError, TransientError):
        return settings.known_regions()


def _of_books(con: duckdb.DuckDBPyConnection, booked: int) -> Iterator[str]:
    count, first, problem = con.execute("""
        select count(*), arg_min(name, archive_id), arg_min(problem, archive_id)
        from ops.archives where state = 'corrupt'""").fetchall()[0]
    if count:
        what = "1 archive is corrupt" if count == 1 else f"{count:,} archives are corrupt, the first"
        yield f"{what}: {first} ({problem}); ask upstream for it anew: it is read when it changes"
    set_aside = con.execute("""
        select kind, sum(fates.records)::bigint from ops.fates join ops.archives using (archive_id)
        where fate = 'dead_letter' and archive_id > ? group by kind order by kind""", [booked]).fetchall()  # fmt: skip
    if set_aside:
        counts = ", ".join(f"{records:,} {_ROWS[kind]}" for kind, records in set_aside)
        yield f"{counts} set aside as dead letters: `romi dead-letters list`"
    yield from notes.lines(notes.summary(con, booked))


def _links(settings: Settings, region: str | None) -> list[str]:
    """What to say of the links of a region, or of the landing zone's top, that lead outside."""
    try:
        found = landing.links_outside(settings, region)
    except (UsageError, TransientError):
        return []
    return [f"the link {name} leads out of the landing zone, so it is not followed" for name in found]


def _of_landing(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> Iterator[str]:
    try:
        is_there = region in landing.regions(settings)
    except (UsageError, TransientError):  # there is no landing zone at all: a backfill needs none
        return
    own = "select count(*) from ops.archives where state = 'loaded' and kind <> 'fx'"
    if not is_there and con.execute(own).fetchall() != [(0,)]:
        yield f"its folder is gone from the landing zone {settings.landing}; what was loaded from there stays"
