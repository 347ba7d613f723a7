"""What a run came upon that fails nothing and that somebody should look at, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import duckdb

from ingestion import gaps, landing, notes, strays, table_books
from ingestion.books import region_file
from ingestion.records import naive_utc
from operations import status
from operations.incidents import unused
from operations.landed_files import findings, reread
from operations.recovery import backlog
from operations.rights.requests import unfinished_lines
from operations.service_levels.slo_facts import WHOLE
from privacy.suppression_book import SuppressionBook
from quality import named, order_matching
from quality.set_aside import lines as left_out_lines
from quality.set_aside import summary as left_out
from settings import RomiError, Settings, TransientError, UsageError, now

_ROWS = {"events": "records of events", "ledger": "rows of ledger", "spend": "rows of spend", "fx": "rows of fx"}

_TOPICS = "select distinct topic from ops.archives where kind = 'events'"
_PAID = ("Cross-network", "Display", "Paid Other", "Paid Search", "Paid Shopping", "Paid Social", "Paid Video")


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
    """By region: files that are not read, what was set aside since `booked`, files that are gone; then open erasures
    and alerts."""
    lines: list[str] = []
    for region in _regions(settings):
        if not settings.region_file(region).exists():
            lines += _without_a_folder(settings, region)
            continue
        try:
            with region_file(settings, region, read_only=True) as con:
                lines += [f"{region}: {line}" for line in unused.lines(backlog.of_open_file(con, settings, region))]
                lines += [f"{region}: {line}" for line in _of_books(con, booked.get(region, 0))]
                lines += [f"{region}: {line}" for line in _of_tags(con)]
                if stale := reread.warning(con, settings, region):
                    lines.append(f"{region}: {stale}")
                lines += [f"{region}: {line}" for line in _of_landing(con, settings, region)]
                lines += [f"{region}: {line}" for line in _links(settings, region)]
                lines += [f"{region}: {line}" for line in order_matching.warnings(con, settings)]
                lines += [f"{region}: {line}" for line in findings.ignored_files(settings, region)]
                lines += [f"{region}: {line}" for line in named.warnings(named.summary(con))]
            lines += [f"{region}: {line}" for line in _vanished(settings, region)]
        except RomiError:  # the run has told of it as a failure
            continue
    lines += [*_links(settings, None), *findings.ignored_files(settings, None), *_topics_without_archives(settings)]
    lines += unfinished_lines(settings)
    return lines + [f"{name.removeprefix(f'{WHOLE} ')}: {alert}" for name, alert in status.alerts(settings).items()]


def notes_of(settings: Settings, booked: dict[str, int]) -> list[str]:
    """By region what the run did with rows of tables since `booked`: added up, replaced, left out."""
    lines: list[str] = []
    for region in _regions(settings):
        if settings.region_file(region).exists():
            with suppress(RomiError), region_file(settings, region, read_only=True) as con:
                lines += [f"{region}: {line}" for line in findings.added_up(con, booked.get(region, 0))]
    return lines


def _regions(settings: Settings) -> list[str]:
    try:
        return sorted({*settings.known_regions(), *landing.regions(settings)})
    except (UsageError, TransientError):
        return settings.known_regions()


def _of_books(con: duckdb.DuckDBPyConnection, booked: int) -> Iterator[str]:
    yield from findings.unread_files(con)
    yield from findings.unread_sheets(con, booked)
    yield from findings.refused_rows(con, booked)
    for lost in gaps.known_loss(con):
        yield (
            f"{lost['records']:,} records are missing between archives of topic {lost['topic']}, partition"
            f" {lost['partition']}; if the topic is transactional or compacted, holes are no loss:"
            f" `topics: {{{lost['topic']}: {{offsets: sparse}}}}`"
        )
    set_aside = con.execute("""
        select kind, sum(fates.records)::bigint from ops.fates join ops.archives using (archive_id)
        where fate = 'dead_letter' and archive_id > ? group by kind order by kind""", [booked]).fetchall()  # fmt: skip
    if set_aside:
        counts = ", ".join(f"{records:,} {_ROWS[kind]}" for kind, records in set_aside)
        yield f"{counts} set aside as dead letters: `romi dead-letters list`"
    yield from notes.lines(notes.summary(con, booked))
    yield from left_out_lines(left_out(con))


def _vanished(settings: Settings, region: str) -> list[str]:
    """Tables that went from the landing zone since the last run, each told once; of event archives that is usual."""
    try:
        if region not in landing.regions(settings):
            return []
        present = {one.name for one in landing.discover(settings, region)}
    except (UsageError, TransientError):
        return []
    with region_file(settings, region, read_only=True) as con:
        if not any(table_books.vanished(con, present)):
            return []
    with region_file(settings, region) as con:
        return list(findings.vanished_files(con, table_books.tell_vanished(con, present, naive_utc(now()))))


def _topics_without_archives(settings: Settings) -> Iterator[str]:
    """A topic of the configuration that upstream calls otherwise, so that what is said of it holds for nothing."""
    landed: set[str] = set()
    for region in _regions(settings) if settings.topics else []:
        if settings.region_file(region).exists():
            with suppress(RomiError), region_file(settings, region, read_only=True) as con:
                landed |= {topic for (topic,) in con.execute(_TOPICS).fetchall()}
    for topic in sorted(settings.topics.keys() - landed) if landed else []:
        yield (
            f"topics.{topic}: no archive of that topic has landed in any region, so nothing is read by what is said of"
            f" it; those that have: {', '.join(sorted(landed))}"
        )


def _of_tags(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Paid clicks name their platform by an id that says nothing of the campaign: how to tag them."""
    is_built = "select count(*) from duckdb_tables() where schema_name = 'finance' and table_name = 'romi_daily'"
    if con.execute(is_built).fetchall() == [(0,)]:
        return
    for channel, unnamed, revenue in con.execute(f"""
        select channel, sum(revenue) filter (campaign = '(none)'), sum(revenue) from finance.romi_daily
        where attribution_model = 'last_touch' and channel in {_PAID}
            and date > (select max(date) from finance.romi_daily) - 30
        group by channel order by channel""").fetchall():
        if unnamed and unnamed * 2 > revenue:
            yield (
                f"{channel}: most of its revenue of the last 30 days names no campaign, so that cost and revenue meet"
                " by channel only; tag the ads with utm_source, utm_medium and utm_id, the campaign's id"
                " (Google Ads: {campaignid}, Meta: {{campaign.id}})"
            )


def _links(settings: Settings, region: str | None) -> list[str]:
    """What to say of a region's, or the landing zone's top's, links that lead outside or nowhere, and of pipes."""
    try:
        found = strays.not_files(settings, region)
    except (UsageError, TransientError):
        return []
    return [
        f"the link {name} leads out of the landing zone, so it is not followed" if is_link
        else f"{name} is not read: it is a link that leads nowhere, a pipe, a socket or a device"
        for name, is_link in found.items()
    ]  # fmt: skip


def _without_a_folder(settings: Settings, region: str) -> list[str]:
    """A region that nothing ever came of: its name in the configuration may be another than its folder's."""
    with suppress(UsageError, TransientError):
        if region not in (folders := landing.regions(settings)):
            return [f"{region}: nothing of it was ever loaded: the configuration names it, and the landing zone has"
                    f" folders for {', '.join(folders)}"]  # fmt: skip
    return []


def _of_landing(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> Iterator[str]:
    try:
        is_there = region in landing.regions(settings)
    except (UsageError, TransientError):  # there is no landing zone at all: a backfill needs none
        return
    own = "select count(*) from ops.archives where state = 'loaded' and kind <> 'fx'"
    if not is_there and con.execute(own).fetchall() != [(0,)]:
        yield f"its folder is gone from the landing zone {settings.landing}; what was loaded from there stays"
