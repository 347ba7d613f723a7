"""How a warehouse stands: a small snapshot for each region, readable while a writer holds the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ingestion import fields, notes
from ingestion.books import add_books, meta, records_by_fate, region_file
from ingestion.landing import Landed
from ingestion.seen import write_seen
from operations import forecast, switches
from operations.backups import backup_book
from operations.closes import locks as closes
from operations.incidents import book as incident_book
from operations.landed_files import findings
from operations.rebuilding import order, plan
from operations.rebuilding.finality import WATERMARK
from operations.recovery import backlog, history, usual
from operations.rights.requests import unfinished_lines
from operations.service_levels import usual_revenue
from operations.service_levels.budget_words import what_is_left
from operations.service_levels.shown import shown_levels
from operations.service_levels.slo_facts import WHOLE
from operations.service_levels.slo_marts import warehouse_levels
from operations.service_levels.usable import NOTHING_LANDED, answers, yesterday
from operations.store import versions
from operations.store.locks import LOCK, is_held
from operations.store.memory.published import findings as missing_state
from operations.store.memory.remembered import accepted_losses, remembered_regions
from privacy import storage
from quality import named, set_aside
from quality.anomalies import recent_anomalies
from settings import RomiError, Settings, now
from settings.durable import read_json, write_json

_TABLE_KINDS = ("ledger", "spend", "fx")


def write_snapshot(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> dict[str, Any]:
    """Put the region's figures into place as ``<warehouse>/status/<region>.json``."""
    withheld = con.execute(
        "select day, withheld_reason from ops.days where withheld_reason is not null order by day"
    ).fetchall()
    snapshot = {
        "region": region,
        **_of_books(con),
        "first_day": _first_day(con),
        "pending": [[str(first), str(last)] for first, last in plan.windows(con)],
        "pending_tables": [plan.tables_to_rebuild(con, *window) for window in plan.windows(con)],
        "withheld": {str(day): reason for day, reason in withheld},
        "build": _one(con, "select coalesce(max(build), 0) from ops.days"),
        "news": f"{_one(con, 'select coalesce(max(archive_id), 0) from ops.archives')}+{meta(con, 'replays') or 0}"
        f"+{order.again(con)}",
        "watermark": _one(con, WATERMARK),
        "books": (of_books := backlog.books(con)),
        "backlog": backlog.measure(settings, region, of_books, write_seen(con, settings, region)),
        "usual_arrivals": usual.arrivals(con, settings),
        "fields": fields.summary(con),
        "files": findings.all_lines(con, settings, region),
        "notes": notes.summary(con),
        "set_aside": set_aside.summary(con),
        "slo": shown_levels(con, settings, region),
        "unusual": _unusual(con, settings, region),
        "named": named.summary(con),
        "answers": [[str(one.day), one.is_usable, one.words, one.build] for one in answers(con, settings, region)],
        "key": meta(con, "pseudonym_key"),
        "switches": switches.not_on(settings, region),
        "shadows": switches.shadows(con, settings, region),
        "growth": forecast.measured(con, settings, region),
        "usual_revenue": usual_revenue.by_hour(con),
    }
    write_json(_path(settings, region), snapshot)
    return snapshot


def note_commit(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, left: Iterable[Landed]) -> None:
    """After a commit of a load, with what it has still to load: put what the books and the backlog are now in place.

    All else of the snapshot stands as a run left it; where there is none, it is made whole.
    """
    if not (known := read_json(_path(settings, region))):
        write_snapshot(con, settings, region)
        return
    of_books = backlog.books(con)
    depth = backlog.depth(settings, region, of_books, left)
    write_seen(con, settings, region)
    write_json(_path(settings, region), {
        **known, **_of_books(con), "books": of_books, "backlog": {**known["backlog"], **depth},
    })  # fmt: skip
    history.book_depth(settings, region, depth["topics"])


def _of_books(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    states = con.execute("select kind, state, count(*) from ops.archives group by all order by all").fetchall()
    return {
        "written_at": now().isoformat(),
        "archives": {kind: {state: count for found, state, count in states if found == kind} for kind, _, _ in states},
        "records": records_by_fate(con),
        "tables": {kind: records_by_fate(con, kind) for kind in _TABLE_KINDS},
    }


def _path(settings: Settings, region: str) -> Path:
    folder = settings.warehouse / "status"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{region}.json"


def refresh(settings: Settings, regions: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Write the snapshots of every region, or of some, anew; one that cannot be opened keeps its last."""
    for region in settings.known_regions() if regions is None else sorted(set(regions)):
        try:
            with region_file(settings, region, read_only=True) as con:
                write_snapshot(con, settings, region)
        except RomiError:
            continue
    return snapshots(settings)


def snapshots(settings: Settings) -> list[dict[str, Any]]:
    """The last snapshot of each region that is still one, by name."""
    paths = sorted((settings.warehouse / "status").glob("*.json"))
    found = [read_json(path) for path in paths if path.stem in settings.known_regions()]
    return [one for one in found if one]  # the next run writes a damaged one anew


def _not_shown(settings: Settings) -> list[str]:
    """Regions that have a file, or must have one, but no snapshot."""
    named = {path.stem for path in settings.regions_dir.glob("*.duckdb")} & set(settings.known_regions())
    return sorted((named | set(remembered_regions(settings))) - {one["region"] for one in snapshots(settings)})


def windows(snapshot: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The snapshot's pending windows as dates."""
    return [(datetime.fromisoformat(a).date(), datetime.fromisoformat(b).date()) for a, b in snapshot["pending"]]


def pending_tables(snapshot: dict[str, Any]) -> list[list[str] | None]:
    """For each of the snapshot's pending windows the tables to rebuild, or None for all; earlier releases told none."""
    found: list[list[str] | None] = snapshot.get("pending_tables") or [None] * len(snapshot["pending"])
    return found


def overview(settings: Settings) -> dict[str, Any]:
    """Everything ``romi status`` shows."""
    regions = {
        one["region"]: {
            **_refreshed(settings, one),
            "is_encrypted": storage.is_encrypted(settings.region_file(one["region"])),
        }
        for one in snapshots(settings)
    }
    levels = warehouse_levels(settings)
    for region, one in regions.items():
        one["yesterday"] = _yesterday(settings, region, one.pop("answers", []))
        one["slo"] |= levels.get(region, {})
    return {
        "records": add_books([one["records"] for one in regions.values()]),
        "tables": {
            kind: add_books([one["tables"][kind] for one in regions.values() if "tables" in one])
            for kind in _TABLE_KINDS
        },
        "regions": regions,
        "slo": levels.get(WHOLE, {}),
        "published": {
            "version": versions.current_version(settings),
            "pinned": versions.pinned_version(settings),
            "path": str(settings.published),
            "versions": len(versions.version_ids(settings)),
        },
        "backup": backup_book.summary(settings),
        "capacity": forecast.forecast(settings, [one.get("growth") or {} for one in regions.values()]),
        "incidents": [one.summary() for one in incident_book.live(settings)],
        "closed_months": closes.closed_months(settings),
        "open_erasures": unfinished_lines(settings),
        "missing": [asdict(one) for one in missing_state(settings, opens=not is_held(settings.warehouse / LOCK))],
        "not_shown": _not_shown(settings),
        "losses": [one.model_dump(mode="json") for one in accepted_losses(settings)],
    }


def burning(settings: Settings) -> list[tuple[str, str, dict[str, Any]]]:
    """Service levels whose error budget burns too fast: of each its region, name and figures."""
    found = [*warehouse_levels(settings).items(), *((one["region"], one["slo"]) for one in snapshots(settings))]
    return [(region, name, one) for region, levels in found for name, one in levels.items() if one.get("alert")]


def alerts(settings: Settings) -> dict[str, Any]:
    """Those service levels for people, by region and name."""
    return {
        f"{region} {name}": (
            f"{what_is_left(level['error_budget_left'])} as of {level['date']} (alert: {level['alert']})"
        )
        for region, name, level in burning(settings)
    }


def _refreshed(settings: Settings, snapshot: dict[str, Any]) -> dict[str, Any]:
    """The snapshot with the backlog of this moment, whoever holds the region's file; earlier releases kept no books."""
    if not (of_books := snapshot.pop("books", None)):
        return snapshot
    region, arrivals = snapshot["region"], snapshot.pop("usual_arrivals", usual.KNOWS_NOTHING)
    measured = backlog.measure(settings, region, of_books)
    found = [asdict(one) for one in usual.unusual(settings, region, measured, arrivals)]
    return {**snapshot, "backlog": {**measured, "unusual": found}}


def _yesterday(settings: Settings, region: str, known: list[list[Any]]) -> dict[str, Any]:
    """Can I use yesterday's numbers?"""
    day = yesterday(settings, region)
    found = next((one for one in known if one[0] == str(day)), None)
    _, is_usable, words, build = found or (str(day), False, NOTHING_LANDED, None)
    if is_usable and build is not None:
        shown = versions.shown_regions(settings).get(region)
        if not shown or shown["build"] < build:
            is_usable, words = False, "no: it is rebuilt and not published yet"
            if pinned := versions.pinned_version(settings):
                words += f", since version {pinned} is pinned"
    return {"date": str(day), "is_usable": is_usable, "answer": words}


def _first_day(con: duckdb.DuckDBPyConnection) -> str | None:
    """The first day that was built or is to be, in ISO's spelling; None before anything has landed."""
    known = "select day from ops.days where build > 0 union all select day from ops.pending_days"
    first = _one(con, f"select min(day) from ({known})")
    return first and str(first)


def _unusual(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> dict[str, list[str]]:
    """What was unusual of the last week, by day."""
    last = yesterday(settings, region)
    found: dict[str, list[str]] = {}
    for one in recent_anomalies(con, last - timedelta(days=6), last):
        found.setdefault(str(one.day), []).append(str(one))
    return found


def _one(con: duckdb.DuckDBPyConnection, query: str, *parameters: Any) -> Any:
    return con.execute(query, list(parameters)).fetchall()[0][0]
