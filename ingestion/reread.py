"""Read files again under today's settings, exactly once: what an archive gave is replaced by what it gives now.

The archives are parsed outside the database, as in a load. Their rows, dead letters, fates and notes then change in one
transaction: a run that was killed has done nothing, and one that is repeated finds nothing that was read otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb

from ingestion import readings
from ingestion.books import Delivery, region_file, transaction
from ingestion.boundary import Policy
from ingestion.commit import Parsed, recommit
from ingestion.dead_letters import Which
from ingestion.held_key import hold_key
from ingestion.landing import Landed
from ingestion.load import region_policy, staging
from ingestion.load_tables import load_table, source_name
from ingestion.parsing import parse
from ingestion.readings import Stale
from ingestion.replay import replay
from ingestion.replica import landed_copies
from ingestion.sources.tabular.read import Context
from ingestion.zone import file_sha256
from privacy.keys import Key, region_key
from settings import Settings, UsageError


@dataclass
class Reread:
    """What came of it, in files and records."""

    files: int = 0
    records: int = 0
    fates: dict[str, int] = field(default_factory=dict)  # of all records of the archives that were read again
    gone: list[str] = field(default_factory=list)  # not in the landing zone as they were; of them dead letters at most
    replayed: int = 0  # dead letters of those
    past_retention: list[str] = field(default_factory=list)  # left, since some records are past their period by now
    problems: dict[str, str] = field(default_factory=dict)


def reread(settings: Settings, region: str, files: list[Stale]) -> Reread:
    """Read the files again; the caller has told the planner of the days that they spoke of.

    Raises:
        UsageError: a key is missing, or not the one under which the region was filled.
        TransientError: another process holds the region's file, or the object store does not answer.
    """
    done, landed = Reread(), _landed(settings, region)
    policy, seal_key = region_policy(settings, region), region_key(settings.warehouse, region, "seal", make=False)
    there = [one for one in files if _is_there(landed, one)]
    done.gone = [one.landed.name for one in files if one not in there]
    with region_file(settings, region) as con, staging(settings, region) as folder:
        hold_key(con, policy.key)
        old = _past(con, policy.now - timedelta(days=policy.raw_days))
        done.past_retention = [one.landed.name for one in there if one.archive_id in old]
        ids: dict[int, Parsed] = {}
        for one in (one for one in there if one.landed.kind == "events" and one.archive_id not in old):
            group = [landed[one.landed.name]]
            [parsed] = parse(group, settings=settings, policy=policy, seal_key=seal_key, folder=folder)
            if parsed.problem:
                done.problems[one.landed.name] = parsed.problem
            else:
                ids[one.archive_id] = parsed
        with transaction(con):
            recommit(con, ids)
            # What cannot be read again is told once.
            lost = [one for one in files if one.archive_id in old or one not in there]
            readings.book(con, [(one.archive_id, readings.told(settings, region, one.landed)) for one in lost])
        tables = [landed[one.landed.name] for one in there if one.landed.kind != "events"]
        deliveries = [*ids.values(), *_load_tables(con, settings, region, tables, policy, seal_key)]
    for delivery in deliveries:
        _count(done, delivery)
    for one in files:
        if one not in there and one.landed.kind == "events":
            done.replayed += replay(settings, region, Which(archive_id=one.archive_id)).records
    return done


def _landed(settings: Settings, region: str) -> dict[str, Landed]:
    try:
        return {one.name: one for one in landed_copies(settings, region)}
    except UsageError:
        return {}  # no landing zone any more


def _is_there(landed: dict[str, Landed], one: Stale) -> bool:
    return one.landed.name in landed and file_sha256(landed[one.landed.name].path) == one.sha256


def _past(con: duckdb.DuckDBPyConnection, before: datetime) -> set[int]:
    """The archives with records past their period: read again, those would be gone before retention says so."""
    rows = con.execute("select distinct archive_id from raw.events where occurred_at < ?", [before]).fetchall()
    return {archive_id for (archive_id,) in rows}


def _load_tables(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, landed: list[Landed], policy: Policy, seal_key: Key
) -> Iterator[Delivery]:
    """As a redelivery, whose rows replace those of before."""
    context = Context(policy.key, settings.region(region).timezone, settings.retention.ledger_days, policy.now)
    for one in landed:
        source = settings.source(source_name(one))
        if delivery := load_table(con, one, file_sha256(one.path), context, seal_key, source):
            readings.book_last(con, settings, region, one)
            yield delivery


def _count(done: Reread, delivery: Delivery) -> None:
    if delivery.problem:
        done.problems[delivery.landed.name] = delivery.problem
        return
    done.files += 1
    done.records += delivery.records
    for fate, records in [*delivery.fates.items(), ("dead_letter", sum(delivery.reasons.values()))]:
        if records:
            done.fates[fate] = done.fates.get(fate, 0) + records
