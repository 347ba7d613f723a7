"""Look at a landing zone and write a commented ``romi.yaml``: what could be told of it, and what could not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from ingestion import landing, strays
from ingestion.compression import CorruptArchiveError
from ingestion.landing import Landed
from ingestion.lines import raw_lines
from ingestion.load_tables import source_name
from ingestion.sources import likely_format
from ingestion.sources.tabular.grids import UnreadableTableError
from ingestion.sources.tabular.table import Table, read_table
from operations.landed_files import findings
from settings import Settings, Source

_OFFSET = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?([+-]\d\d):?(\d\d)", re.ASCII)
# Of zones that share their offsets the one that most shops are in.
_ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Helsinki", "Europe/Istanbul", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Denver", "America/Phoenix", "America/Sao_Paulo", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Australia/Perth", "Pacific/Auckland",
)  # fmt: skip
_SEPARATED = re.compile(r"events/topics/([^/]+)/.*\.(?:tsv|txt)(?:\.gz|\.zst)?", re.IGNORECASE)
_LINES = 50  # of a topic that are looked at
_HEAD = """# Written by `romi init` from what lies in {landing}.
# Every key is optional; docs/configuration.md has them all.
landing: {landing}
reporting_currency: {currency}

regions:
"""


def first_config(settings: Settings) -> str:
    """The text of a configuration for the landing zone.

    Raises:
        UsageError: there is no landing zone, or it has no region's folder.
    """
    regions = landing.regions(settings)
    found = {region: landing.discover(settings, region) for region in regions}
    read = {(region, one.name): _looked_at(one) for region in regions for one in found[region]
            if one.kind in ("spend", "ledger")}  # fmt: skip
    currencies = [code for table in read.values() if isinstance(table, Table) for code in _currencies(table)]
    currency = max(sorted(set(currencies)), key=currencies.count, default="EUR")
    text = _HEAD.format(landing=settings.landing, currency=currency)
    for region in regions:
        text += f"  {region}:\n    timezone: {_timezone([read[key] for key in read if key[0] == region])}\n"
        text += "    consent_default: denied  # what no answer to the consent banner means\n"
        text += "    margin_rate: 0.5  # where the ledger gives no cost of goods\n"
    text += "\nsources:\n" + "".join(_sources(regions, found, read))
    astray = {region: strays.strays(settings, region) for region in regions}
    unclear = [name for names in astray.values() for name in names]
    if topics := _topics([one for region in regions for one in found[region]], unclear):
        text += "\ntopics:\n" + "".join(f"  {topic}: {{{said}}}\n" for topic, said in sorted(topics.items()))
    unread = [f"{region}: {line}" for region, names in astray.items()
              for line in findings.why_ignored([name for name in names if not _topic_of(name)])]  # fmt: skip
    if unread:
        text += "\n# Not read:\n" + "".join(f"#   {line}\n" for line in unread)
    return text


def _topics(found: list[Landed], strays: list[str]) -> dict[str, str]:
    """What has to be said of topics: a layout other than Kafka Connect's, or a format other than Segment's."""
    said = dict(filter(None, map(_topic_of, strays)))
    archives = {one.topic: one for one in reversed(found) if one.kind == "events"}
    for topic, one in archives.items():
        try:
            lines = [line.decode("utf-8", "replace") for line in islice(raw_lines(one.path), _LINES)]
        except CorruptArchiveError:
            continue
        formats = [seen for line in lines if (seen := likely_format(line.strip()))]
        likeliest = max(sorted(set(formats)), key=formats.count, default="segment")
        if likeliest != "segment":
            said.setdefault(topic, f"format: {likeliest}")
    return said


def _topic_of(stray: str) -> tuple[str, str] | None:
    """The topic that a file which is not read yet belongs to, and what to say of it so that it is."""
    if layout := landing.layout_of(stray):
        return layout[0], f"layout: {layout[1]}"
    separated = _SEPARATED.fullmatch(stray)  # as only Snowplow's archives are
    return (separated[1], "format: snowplow") if separated else None


def _timezone(tables: list[Table | str]) -> str:
    """The zone that the offsets of a region's orders point to, with what to look over; UTC where there are none."""
    moments = [text for one in tables if isinstance(one, Table) and one.known.preset.kind == "ledger"
               for text in one.text("ordered_at").drop_nulls().unique().sort()]  # fmt: skip
    local = [_with_offset(text) for text in moments]
    seen = {(moment.replace(tzinfo=None), moment.utcoffset()) for moment in local if moment is not None}
    for name in _ZONES if any(offset for _, offset in seen) else ():
        zone = ZoneInfo(name)
        if all(moment.replace(tzinfo=zone).utcoffset() == offset for moment, offset in seen):
            return f"{name}  # guessed from the offsets of the ledger's moments: set the shop's own"
    return "UTC  # could not be told from the files: set the shop's, such as Europe/Berlin"


def _with_offset(text: str) -> datetime | None:
    match = _OFFSET.fullmatch(text)
    if not match:
        return None
    return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3]}:{match[4]}")


def _looked_at(one: Landed) -> Table | str:
    try:
        return read_table(one.path, one.kind, source_name(one), Source())
    except UnreadableTableError as error:
        return error.problem


def _currencies(table: Table) -> list[str]:
    return table.currency().drop_nulls().unique().to_list()


def _sources(
    regions: list[str], found: dict[str, list[Landed]], read: dict[tuple[str, str], Table | str]
) -> Iterator[str]:
    """A commented entry for each source: the presets recognised, or what is missing."""
    by_source: dict[str, list[tuple[str, Table | str]]] = {}
    for region in regions:
        for one in found[region]:
            if (region, one.name) in read:
                by_source.setdefault(source_name(one), []).append((f"{region}/{one.name}", read[region, one.name]))
    if not by_source:
        yield "  {}\n"
        return
    for source, files in sorted(by_source.items()):
        tools = {f"{one.known.preset.tool} ({one.known.preset.name})" for _, one in files if isinstance(one, Table)}
        yield f"  # {source}: {', '.join(sorted(tools)) or 'not recognised'}\n  {source}: {{}}\n"
        homes = {home for _, one in files if isinstance(one, Table) for home in one.known.preset.platforms}
        if homes and source.partition("/")[2] not in homes:
            yield f"  #   call the folder spend/{min(homes)}, so that its cost meets the clicks of that platform\n"
        for name, table in files:
            if isinstance(table, str):
                yield f"  #   {name}: {table}\n"
