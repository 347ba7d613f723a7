"""Load what is new: parse in parallel outside the database, commit archives and their books together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import duckdb

from ingestion import parsing, readings
from ingestion.books import Delivery, region_file
from ingestion.boundary import Policy
from ingestion.commit import commit
from ingestion.gaps import note_sparse_topics
from ingestion.held_key import hold_key
from ingestion.landing import Landed, loading_order
from ingestion.load_tables import load_table, source_name
from ingestion.parsing import parse
from ingestion.reading import Reading
from ingestion.records import naive_utc
from ingestion.replica import choose, landed_copies, of_replica
from ingestion.seen import seen
from ingestion.sources.tabular.read import Context
from privacy.keys import Key, region_key
from privacy.suppression_book import SuppressionBook
from settings import Settings, Source, TransientError, now

# Of the database: it would keep in memory what it wrote and looked through. Where there are dead letters it needs more,
# since at a checkpoint it holds at once all long texts of a row group.
_MEMORY, _MEMORY_FOR_LETTERS, _FEW_LETTERS = "384MB", "2GB", 100


@dataclass(frozen=True)
class Progress:
    """How far one region's load has come."""

    region: str
    archives: int
    archives_total: int
    bytes: int
    bytes_total: int
    records: int


@dataclass
class Loaded:
    """What one load did."""

    archives: int = 0
    records: int = 0
    bytes: int = 0
    corrupt: list[str] = field(default_factory=list)
    left: dict[str, Landed] = field(default_factory=dict)  # what it has still to load, by name

    def add(self, delivery: Delivery) -> None:
        self.archives += 1
        self.records += delivery.records
        self.bytes += delivery.landed.size
        self.corrupt += [delivery.landed.name] if delivery.problem else []
        self.left.pop(delivery.landed.name, None)


def load_region(
    settings: Settings,
    region: str,
    report: Callable[[Progress], None] = lambda _: None,
    vet: Callable[[list[Landed]], None] = lambda _: None,
    watch: Callable[[duckdb.DuckDBPyConnection, Loaded], None] = lambda _, __: None,
) -> Loaded:
    """Take everything new of a region's landing zone into its file: whole archives, each content once.

    Before anything of it is loaded, `vet` may refuse what is new by raising an error. Where there is
    anything to load, `watch` is called before the first commit and after each, with the region's file and what was done
    so far.

    Raises:
        UsageError: the region's file was filled under another key.
        TransientError: another process holds the region's file.
    """
    policy = region_policy(settings, region)
    seal_key = region_key(settings.warehouse, region, "seal")
    with region_file(settings, region) as con, staging(settings, region) as folder:
        _limit_memory(con)
        hold_key(con, policy.key)
        note_sparse_topics(con, settings)
        fresh = _fresh(con, landed_copies(settings, region))
        fresh = [one for one in fresh if one.kind != "events" or settings.reads_topic(one.topic, region)]
        vet(fresh)
        done = Loaded(left={landed.name: landed for landed in fresh})
        if fresh:
            watch(con, done)
        tables = [one for one in fresh if one.kind != "events"]
        archives = [one for one in fresh if one.kind == "events"]
        load = _Load(con, settings, region, policy, seal_key, _telling(region, fresh, done, report))
        for _ in chain(load.tables(tables), load.archives(archives, folder)):
            watch(con, done)
    return done


def _telling(
    region: str, fresh: list[Landed], done: Loaded, report: Callable[[Progress], None]
) -> Callable[[Delivery], None]:
    """A function that enters a delivery in what is done, and reports how far that is."""
    sizes = sum(landed.size for landed in fresh)

    def tell(delivery: Delivery) -> None:
        done.add(delivery)
        report(Progress(region, done.archives, len(fresh), done.bytes, sizes, done.records))

    return tell


@dataclass(frozen=True)
class _Load:
    """One region's load: its open file, and what its deliveries are read by. Each step is a commit."""

    con: duckdb.DuckDBPyConnection
    settings: Settings
    region: str
    policy: Policy
    seal_key: Key
    tell: Callable[[Delivery], None]

    def tables(self, landed: list[Landed]) -> Iterator[None]:
        timezone, ledger_days = self.settings.region(self.region).timezone, self.settings.retention.ledger_days
        context = Context(self.policy.key, timezone, ledger_days, self.policy.now)
        for one in landed:
            source = self.settings.source(source_name(one))
            if delivery := _load_table(self.con, one, context, self.seal_key, source):
                readings.book_last(self.con, self.settings, self.region, one)
                self.tell(delivery)
                yield

    def archives(self, landed: list[Landed], folder: Path) -> Iterator[None]:
        task = partial(parse, settings=self.settings, policy=self.policy, seal_key=self.seal_key, folder=folder)
        for group in parsing.groups(task, landed, self.tell):
            _limit_memory(self.con, sum(sum(parsed.reasons.values()) for parsed in group))
            commit(self.con, group, self.policy.now)
            yield


def _fresh(con: duckdb.DuckDBPyConnection, landed: list[Landed]) -> list[Landed]:
    """What to load, in its order: what is new, and what is to be tried again."""
    fresh = seen(con).unseen(landed)
    again = [*_refused_tables(con, landed), *_with_untried_replica(con, landed)]
    return sorted({one.name: one for one in [*again, *fresh]}.values(), key=loading_order)


def _load_table(
    con: duckdb.DuckDBPyConnection, landed: Landed, context: Context, seal_key: Key, source: Source
) -> Delivery | None:
    """:func:`load_table`, with the replica's copy of a file that cannot be read; None where nothing is new of it."""
    one, sha256, failover = choose(landed)
    delivery = load_table(con, one, sha256, context, seal_key, source, failover)
    if landed.replica is None or failover or (delivery and not delivery.problem):
        return delivery
    problem = delivery.problem if delivery else "as before"
    try:
        copy, other, failover = of_replica(landed, f"corrupt: {problem}")
    except TransientError:
        return delivery
    if other == sha256:
        return delivery
    return load_table(con, copy, other, context, seal_key, source, failover) or delivery


def _limit_memory(con: duckdb.DuckDBPyConnection, letters: int = 0) -> None:
    letters += con.execute("select count(*) from ops.dead_letters").fetchall()[0][0]
    con.execute(f"set memory_limit = '{_MEMORY if letters <= _FEW_LETTERS else _MEMORY_FOR_LETTERS}'")


def region_policy(settings: Settings, region: str) -> Policy:
    """What decides the fate of its records, now."""
    return Policy(
        region_key(settings.warehouse, region, "pseudonym"),
        settings.region(region).consent_default == "granted",
        settings.retention.raw_days,
        naive_utc(now()),
        conversions=frozenset(settings.attribution.conversions),
        suppression=SuppressionBook(settings.warehouse, region).load(),
        reading=Reading.of(settings, region),
        region=region,
    )


def _refused_tables(con: duckdb.DuckDBPyConnection, landed: list[Landed]) -> list[Landed]:
    """Tables that could not be read: each is tried again, since the configuration may say by now how it is read."""
    refused = con.execute("""
        select name, state from ops.archives where kind <> 'events'
        qualify row_number() over (partition by name order by archive_id desc) = 1""").fetchall()
    names = {name for name, state in refused if state == "corrupt"}
    return [one for one in landed if one.name in names]


def _with_untried_replica(con: duckdb.DuckDBPyConnection, landed: list[Landed]) -> list[Landed]:
    """Corrupt archives whose copy in the replica was not tried yet, as it stands."""
    tried = con.execute("select name, size_bytes, mtime_ns from ops.failovers where not is_served").fetchall()
    corrupt = con.execute("select name from ops.archives where kind = 'events' and state = 'corrupt'").fetchall()
    names, known = {name for (name,) in corrupt}, set(tried)
    return [
        one for one in landed
        if one.name in names and one.replica and (one.name, *one.replica.stat()[:2]) not in known
    ]  # fmt: skip


@contextmanager
def staging(settings: Settings, region: str) -> Iterator[Path]:
    """An empty folder for masked rows on their way; what a killed run left there is removed."""
    folder = settings.staging_dir / region
    shutil.rmtree(folder, ignore_errors=True)
    settings.staging_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
