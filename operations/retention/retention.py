"""Retention: every class of data has its period; what is past it is disposed of, booked, and looked for everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import duckdb

from ingestion.books import meta, region_file, transaction
from ingestion.landing import discover
from operations import status
from operations.backups import bucket_copies
from operations.backups.backup_book import last_verified
from operations.backups.backup_places import known_backups, known_in_buckets, leftovers, remove_leftover, take_away
from operations.recovery import history
from operations.removal.rewrite import REWRITE_DUE, rewrite_if_due
from operations.retention.disposal import Disposal, dispose
from operations.retention.overdue import Reach, overdue
from operations.service_levels.probe import old_books
from operations.store.locks import OnWait, exclusive, wait_quietly
from operations.store.memory.keeping import add_to_book
from operations.store.versions import (
    current_version,
    pinned_version,
    read_manifest,
    remove_leftovers,
    version_dir,
    version_ids,
)
from settings import RomiError, Settings, TransientError, UsageError, now

BOOK = "books/disposals.jsonl"  # of the warehouse; a region's book is ops.disposals of its file
GRACE = timedelta(days=1)  # the job is a daily one
LEFT = "copies and files that a killed process left"

# Given a moment, the logs that are older, and how to take one away. Dagster's are known to the orchestration only.
Logs = Callable[[datetime], dict[str, Callable[[], None]]]


@dataclass
class Retained:
    """What a round of retention came to."""

    disposed: list[Disposal] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)  # regions whose file was written anew
    landing: dict[str, dict[str, Any]] = field(default_factory=dict)  # overdue in the landing zone, which is upstream's
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 1 if self.failures or any(one.blocked for one in self.disposed) else 0


def apply(settings: Settings, logs: Logs, *, dry_run: bool = False, on_wait: OnWait = wait_quietly) -> Retained:
    """Dispose of what is past its period; a dry run counts the same and changes nothing.

    Killed at any moment and run again, it ends the same: a region's rows go in one transaction with their booking, its
    file is written anew until that was done, and folders are booked before they go.
    """
    done = Retained(landing=landed_overdue(settings))
    moment = now()
    with exclusive(settings, on_wait):
        for region in _regions(settings):
            try:
                done.disposed += _dispose_region(settings, region, moment, dry_run=dry_run)
                if not dry_run and rewrite_if_due(settings, region):
                    done.rewritten.append(region)
            except RomiError as error:
                done.failures[region] = str(error)
            except duckdb.Error as error:  # its text may quote the data
                done.failures[region] = f"its file cannot be worked on ({type(error).__name__})"
        _dispose_files(settings, logs, moment, done, dry_run=dry_run)
        if not dry_run:
            status.refresh(settings)
    return done


def find_overdue(settings: Settings, logs: Logs, grace: timedelta = GRACE) -> dict[str, int]:
    """Everything that is past its period by more than `grace`, by place and class; none where all is in order."""
    moment = now() - grace
    found: dict[str, int] = {}
    for region in _regions(settings):
        with region_file(settings, region, read_only=True) as con:
            for what, count in overdue(con, Reach.of(settings, region, moment)).items():
                found[f"{region}: {what}"] = count
            found[f"{region}: disposed of, but not written anew"] = meta(con, REWRITE_DUE) is not None
    for what, items in _old_files(settings, logs, moment).items():
        found[what] = len(items)
    return {what: int(count) for what, count in found.items() if count}


def landed_overdue(settings: Settings) -> dict[str, dict[str, Any]]:
    """Event archives and ledger files of the landing zone older than their period, by region: upstream's to remove."""
    found: dict[str, dict[str, Any]] = {}
    periods = {"events": settings.retention.raw_days, "ledger": settings.retention.ledger_days}
    for region in _regions(settings):
        try:
            landed = discover(settings, region)
        except (UsageError, TransientError):
            return found
        for kind, days in periods.items():
            until = (now() - timedelta(days=days)).timestamp() * 1e9
            old = [one.mtime_ns for one in landed if one.kind == kind and one.mtime_ns < until]
            if old:
                oldest = datetime.fromtimestamp(min(old) / 1e9, tz=now().tzinfo)
                found.setdefault(region, {})[kind] = {"files": len(old), "oldest": oldest.date().isoformat()}
    return found


def _regions(settings: Settings) -> list[str]:
    """Those that have a file, whether or not they are still configured."""
    return sorted(path.stem for path in settings.regions_dir.glob("*.duckdb"))


class _DryRunError(Exception):
    """Ends the transaction of a dry run."""


def _dispose_region(settings: Settings, region: str, moment: datetime, *, dry_run: bool) -> list[Disposal]:
    disposed: list[Disposal] = []
    with region_file(settings, region) as con:
        try:
            with transaction(con):
                disposed = dispose(con, settings, region, moment)
                if dry_run:
                    raise _DryRunError
        except _DryRunError:
            pass
    return disposed


def _old_files(settings: Settings, logs: Logs, moment: datetime) -> dict[str, dict[str, Callable[[], None]]]:
    """What lies in folders and is past its period: by class and name, with what takes it away."""
    periods = settings.retention
    return {
        "logs": logs(moment - timedelta(days=periods.log_days)),
        "published versions": _old_versions(settings, moment - timedelta(days=periods.version_days)),
        "backups": _old_backups(settings, moment - timedelta(days=periods.backup_days)),
        "probes": {
            name: partial(path.unlink, missing_ok=True)
            for name, path in old_books(settings, moment - timedelta(days=periods.probe_days)).items()
        },
        "history of the backlog": {
            name: partial(path.unlink, missing_ok=True)
            for name, path in history.old_books(settings, moment - timedelta(days=periods.probe_days)).items()
        },
    }


def _old_versions(settings: Settings, before: datetime) -> dict[str, Callable[[], None]]:
    kept = {current_version(settings), pinned_version(settings), max(version_ids(settings), default=None)}
    found: dict[str, Callable[[], None]] = {}
    for version in version_ids(settings):
        built_at = datetime.fromisoformat(read_manifest(settings, version)["built_at"])
        if version not in kept and built_at < before.replace(tzinfo=None):
            found[f"{version:06d}"] = partial(take_away, version_dir(settings, version))
    return found


def _old_backups(settings: Settings, before: datetime) -> dict[str, Callable[[], None]]:
    in_buckets: dict[str, Callable[[], None]] = {
        address: partial(bucket_copies.remove, settings, address)
        for address, made_at in known_in_buckets(settings).items() if made_at < before
    }  # fmt: skip
    return in_buckets | {
        str(path): partial(take_away, path)
        for path, made_at in known_backups(settings).items() if made_at < before and path.is_dir()
    }  # fmt: skip


def _dispose_files(settings: Settings, logs: Logs, moment: datetime, done: Retained, *, dry_run: bool) -> None:
    periods = settings.retention
    rules = {"logs": ("log_days", periods.log_days), "published versions": ("version_days", periods.version_days),
             "backups": ("backup_days", periods.backup_days), "probes": ("probe_days", periods.probe_days),
             "history of the backlog": ("probe_days", periods.probe_days)}  # fmt: skip
    # Copies of the warehouse that killed backups and restores left were never to be kept at all.
    left: dict[str, Callable[[], None]] = {str(one): partial(remove_leftover, one) for one in leftovers(settings)}
    if not dry_run:
        remove_leftovers(settings)
    for what, items in ({LEFT: left} | _old_files(settings, logs, moment)).items():
        name, days = rules.get(what, ("", 0))
        rule, before = f"retention.{name}: {days}" if name else "never kept", (moment - timedelta(days=days)).date()
        blocked = _keep_last_backup(settings, items) if what == "backups" and items else None
        if items or blocked:
            done.disposed.append(Disposal("warehouse", what, rule, before, len(items), blocked))
        if not dry_run:
            _book(settings, moment, what, rule, list(items))
            for remove in items.values():
                try:
                    remove()
                except RomiError as error:  # an object store that cannot be reached now
                    done.failures[what] = str(error)


def _keep_last_backup(settings: Settings, items: dict[str, Callable[[], None]]) -> str | None:
    """Take out of `items` the newest backup that came back on trial, without which nothing could be restored.

    Returns:
        Why it stays, for people; None where a newer one came back.
    """
    last = last_verified(settings)
    if last is None or items.pop(last.folder, None) is None:
        return None
    return f"{last.folder} is the last backup that came back on trial; it goes when a newer one did: `romi backup`"


def _book(settings: Settings, moment: datetime, what: str, rule: str, items: list[str]) -> None:
    """Book each once, before it goes."""
    booked = {(one["what"], one["item"]) for one in book(settings)}
    lines = [
        json.dumps({"disposed_at": moment.isoformat(), "what": what, "rule": rule, "item": item})
        for item in items
        if (what, item) not in booked
    ]
    add_to_book(settings, BOOK, *lines)


def book(settings: Settings) -> list[dict[str, Any]]:
    """What was disposed of in the warehouse's folders; a line that a kill cut short is none."""
    path = settings.warehouse / BOOK
    found = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
