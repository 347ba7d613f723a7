"""Under which settings each file was read, so that a changed one can be told from a new file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingestion.landing import Landed
from ingestion.load_tables import source_name
from settings import Settings

# Of an archive's records those whose fate a changed setting may change, at most: a condition on `fates` and `field`.
_CONCERNED = {
    "format": ("true", "true"),
    "source": ("true", "true"),
    "consent": ("fate in ('no_consent', 'anonymised')", "is_consent_stated"),
    "consent_default": ("fate in ('no_consent', 'anonymised')", "not is_consent_stated"),
    "currency": ("false", "false"),  # see _records
    "timezone": ("false", "false"),  # of a ledger: all its rows, see _records
    "conversions": ("false", "type = 'track' and event is null"),  # whose name is kept only if it is configured
}


def reading(settings: Settings, region: str, landed: Landed) -> dict[str, Any]:
    """What of the configuration decides how the file is read and which fate its records have."""
    if landed.kind != "events":
        source = settings.source(source_name(landed)).model_dump(mode="json", exclude_defaults=True)
        zone = {"timezone": settings.region(region).timezone} if landed.kind == "ledger" else {}
        return {"source": source} | zone
    here = settings.region(region)
    return {
        "format": settings.topic(landed.topic).format,
        "consent": sorted(name.casefold() for name in settings.consent.analytics),
        "consent_default": here.consent_default,
        "currency": here.currency,
        "conversions": sorted(settings.attribution.conversions),
    }


def told(settings: Settings, region: str, landed: Landed) -> str:
    """:func:`reading` as text."""
    return json.dumps(reading(settings, region, landed))


def book(con: duckdb.DuckDBPyConnection, ids: Iterable[tuple[int, str]]) -> None:
    """Keep what :func:`told` says of files, by archive. Call it in the transaction that loads them."""
    if rows := [(id_, text) for id_, text in ids if text]:
        ids_and_texts = [list(column) for column in zip(*rows, strict=True)]
        con.execute("insert or replace into ops.readings select unnest(?), unnest(?)", ids_and_texts)


def book_last(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, landed: Landed) -> None:
    """The same of the last delivery under a file's name."""
    [(archive_id,)] = con.execute("select max(archive_id) from ops.archives where name = ?", [landed.name]).fetchall()
    book(con, [(archive_id, told(settings, region, landed))])


@dataclass(frozen=True)
class Stale:
    """A file that was read under other settings than today's."""

    archive_id: int
    landed: Landed
    sha256: str
    changed: tuple[str, ...]  # keys of :func:`reading`
    records: int  # that may have another fate, at most


def stale(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> list[Stale]:
    """The loaded files of which a changed setting would give some records another fate, in the order of their load."""
    rows = con.execute("""
        select archive_id, kind, name, size_bytes, mtime_ns, topic, partition, start_offset, sha256, settings
        from ops.archives join ops.readings using (archive_id) where state = 'loaded'
        qualify kind = 'events' or row_number() over (partition by name order by archive_id desc) = 1
        order by archive_id""").fetchall()
    found = []
    for archive_id, kind, name, *stat_and_place, sha256, text in rows:
        landed = Landed(kind, Path(name), name, *stat_and_place)
        then, now = json.loads(text), reading(settings, region, landed)
        changed = tuple(key for key in now if key in then and _is_changed(key, then[key], now[key]))
        if changed and (records := _records(con, archive_id, changed, then.get("currency"))):
            found.append(Stale(archive_id, landed, sha256, changed, records))
    return found


def _is_changed(key: str, then: Any, now: Any) -> bool:
    """Whether a setting reads records otherwise; a conversion that counts no longer leaves its track as it is."""
    return bool(set(now) - set(then)) if key == "conversions" else then != now


def _records(con: duckdb.DuckDBPyConnection, archive_id: int, changed: tuple[str, ...], currency: str | None) -> int:
    fates, kept = (" or ".join(_CONCERNED[key][place] for key in changed) for place in (0, 1))
    is_counted = "currency" in changed and "format" not in changed
    letters = "field = 'properties.currency'" if is_counted else "false"
    orders = "currency = $currency" if is_counted else "false and currency = $currency"  # of which some named none
    return con.execute(
        f"""select
            (select coalesce(sum(records), 0) from ops.fates where archive_id = $id and fate <> 'loaded' and ({fates}))
            + (select count(*) from raw.events where archive_id = $id and not is_anonymised and ({kept}))
            + (select coalesce(sum(fates.records), 0) from ops.fates join ops.archives using (archive_id)
                where archive_id = $id and fate = 'loaded' and kind <> 'events')
            + (select count(*) from ops.dead_letters where archive_id = $id and {letters})
            + (select count(*) from raw.events where archive_id = $id and {orders})""",
        {"id": archive_id, "currency": currency},
    ).fetchall()[0][0]
