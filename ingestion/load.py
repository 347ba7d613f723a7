"""Load what is new: parse in parallel outside the database, commit archives and their books together."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import duckdb
import polars as pl

from ingestion import archives, contract
from ingestion.archives import Batch, CorruptArchiveError
from ingestion.books import Delivery, book, meta, new_archive_id, put_meta, region_file, transaction
from ingestion.boundary import MASKED, Policy, mask
from ingestion.formats import converter
from ingestion.landing import Landed, discover
from ingestion.load_tables import load_table
from ingestion.records import naive_utc
from ingestion.tables import Context
from privacy.keys import Key, region_key
from settings import Settings, UsageError, now

WORKERS = 2
_AHEAD = 4 * WORKERS  # archives parsed or being parsed before their commit, at most
_GROUP_RECORDS = 500_000  # a commit takes what is ready, up to about so many records
_KEPT = ("loaded", "anonymised")
_COLUMNS = [name for name in MASKED.names() if name != "fate"]
_IDENTIFIERS = ("message_id", "message_order", "anonymous_id", "user_id")


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
class Parsed(Delivery):
    """An archive that waits for its commit; its masked rows lie in files."""

    parts: list[Path] = field(default_factory=list)


@dataclass
class Loaded:
    """What one load did."""

    archives: int = 0
    records: int = 0
    corrupt: list[str] = field(default_factory=list)


def load_region(settings: Settings, region: str, report: Callable[[Progress], None] = lambda _: None) -> Loaded:
    """Take everything new of a region's landing zone into its file: whole archives, each content once.

    Raises:
        UsageError: the region's file was filled under another key.
        TransientError: another process holds the region's file.
    """
    policy = Policy(
        key=region_key(settings.warehouse, region, "pseudonym"),
        is_consent_default=settings.region(region).consent_default == "granted",
        raw_days=settings.retention.raw_days,
        now=naive_utc(now()),
    )
    seal_key = region_key(settings.warehouse, region, "seal")
    done = Loaded()
    with region_file(settings, region) as con, _staging(settings, region) as folder:
        _hold_key(con, policy.key)
        fresh = unseen(con, discover(settings, region))
        sizes, size_done = sum(landed.size for landed in fresh), 0

        def tell(delivery: Delivery) -> None:
            nonlocal size_done
            size_done += delivery.landed.size
            done.archives += 1
            done.records += delivery.records
            done.corrupt += [delivery.landed.name] if delivery.problem else []
            report(Progress(region, done.archives, len(fresh), size_done, sizes, done.records))

        context = Context(policy.key, settings.region(region).timezone, settings.retention.ledger_days, policy.now)
        for landed in (one for one in fresh if one.kind != "events"):
            tell(load_table(con, landed, file_sha256(landed.path), context, seal_key))
        parse = partial(_parse, settings=settings, policy=policy, folder=folder)
        for group in _ready_groups(parse, [one for one in fresh if one.kind == "events"]):
            _commit(con, group, policy, seal_key)
            for parsed in group:
                tell(parsed)
    return done


def _hold_key(con: duckdb.DuckDBPyConnection, key: Key) -> None:
    held = meta(con, "pseudonym_key")
    if held is None:
        put_meta(con, "pseudonym_key", key.fingerprint)
    elif held != key.fingerprint:
        raise UsageError(
            f"region {key.region} was filled under key {held}, but the key at hand is {key.fingerprint}:"
            " give it the old one (ROMI_KEY_FILE), or persons would be counted twice"
        )


def unseen(con: duckdb.DuckDBPyConnection, landed: list[Landed]) -> list[Landed]:
    """What the books do not hold as it stands: unknown names, and known ones whose content is another."""
    known = con.execute("select name, size_bytes, mtime_ns, sha256 from ops.archives").fetchall()
    stamps = {row[:3] for row in known}
    contents = {(name, sha256) for name, _, _, sha256 in known}
    names = {name for name, *_ in known}
    unseen = [one for one in landed if (one.name, one.size, one.mtime_ns) not in stamps]
    return [one for one in unseen if one.name not in names or (one.name, file_sha256(one.path)) not in contents]


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _staging(settings: Settings, region: str) -> Iterator[Path]:
    """An empty folder for masked rows on their way; what a killed run left there is removed."""
    folder = settings.staging_dir / region
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_thread = threading.local()


def _parse(landed: Landed, *, settings: Settings, policy: Policy, folder: Path) -> Parsed:
    """Read, mask and stage one archive, in a worker."""
    if not hasattr(_thread, "con"):
        _thread.con = archives.parser()
    sha256 = file_sha256(landed.path)
    try:
        convert = converter(settings.topic(landed.topic).format, settings.reporting_currency)
        if convert:
            return _stage(Parsed(landed, sha256), archives.read_converted(landed.path, convert, policy.now), policy, folder)
        try:
            return _stage(Parsed(landed, sha256), archives.read_fast(_thread.con, landed.path, policy.now), policy, folder)
        except archives.DIRTY:
            return _stage(Parsed(landed, sha256), archives.read_exact(_thread.con, landed.path, policy.now), policy, folder)
    except (CorruptArchiveError, contract.ContractError) as error:
        return Parsed(landed, sha256, problem=str(error))


def _stage(parsed: Parsed, batches: Iterator[Batch], policy: Policy, folder: Path) -> Parsed:
    for number, batch in enumerate(batches):
        masked = mask(batch.rows, policy)
        kept = masked.filter(pl.col("fate").is_in(_KEPT))
        contract.hold(contract.EVENTS, kept)
        for fate, records in masked.filter(~pl.col("fate").is_in(_KEPT)).group_by("fate").len().iter_rows():
            parsed.count(fate, records)
        parsed.records += len(masked) + len(batch.dead)
        parsed.dead += batch.dead
        if len(kept):
            parsed.parts.append(folder / f"{uuid4().hex}-{number}.parquet")
            kept.select(_COLUMNS).write_parquet(parsed.parts[-1], compression="lz4", statistics=False)
    return parsed


def _ready_groups(parse: Callable[[Landed], Parsed], events: list[Landed]) -> Iterator[list[Parsed]]:
    """Parse in the background, in order; yield what is ready, so that a backlog commits in few transactions."""
    waiting: deque[Future[Parsed]] = deque()
    queue = deque(events)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="parse") as pool:
        while queue or waiting:
            while queue and len(waiting) < _AHEAD:
                waiting.append(pool.submit(parse, queue.popleft()))
            group = [waiting.popleft().result()]
            while waiting and waiting[0].done() and sum(one.records for one in group) < _GROUP_RECORDS:
                group.append(waiting.popleft().result())
            yield group


def _commit(con: duckdb.DuckDBPyConnection, group: list[Parsed], policy: Policy, seal_key: Key) -> None:
    """One transaction: rows that are new, the fate of every record, and which archives the planner has to look at."""
    with transaction(con):
        ids = {new_archive_id(con): parsed for parsed in group}
        _insert_new(con, ids)
        for archive_id, parsed in ids.items():
            book(con, parsed, policy.now, seal_key, archive_id)
            con.execute("insert into ops.changes values ('archive', null, ?)", [str(archive_id)])
    for parsed in group:
        for part in parsed.parts:
            part.unlink()


def _insert_new(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    """Insert the rows whose ``messageId`` is not taken, the first of the group before its copies; count the rest."""
    staged = [(archive_id, str(part)) for archive_id, parsed in ids.items() for part in parsed.parts]
    if not staged:
        return
    columns = ", ".join(f"{name}::uuid as {name}" if name in _IDENTIFIERS else name for name in _COLUMNS)
    parts = pl.DataFrame(staged, schema={"archive_id": pl.Int32, "filename": pl.String}, orient="row")
    con.register("staged_parts", parts.to_arrow())
    con.execute(
        f"""create or replace temp table incoming as
        select archive_id, {columns} from read_parquet($parts, filename = true) join staged_parts using (filename)""",
        {"parts": [part for _, part in staged]},
    )
    con.execute("""
        create or replace temp table taken as
        select distinct message_id from raw.events semi join incoming using (message_id)""")
    # A window over everything would cost more than the load; few ids come twice.
    con.execute("""
        create or replace temp table repeated as
        select message_id from incoming anti join taken using (message_id) group by all having count(*) > 1""")
    con.execute("""
        insert into raw.events by name
        from incoming anti join taken using (message_id) anti join repeated using (message_id)
        union all by name
        from incoming semi join repeated using (message_id)
        qualify row_number() over (partition by message_id order by archive_id, record_offset) = 1""")
    _count_fates(con, ids)
    con.unregister("staged_parts")


def _count_fates(con: duckdb.DuckDBPyConnection, ids: dict[int, Parsed]) -> None:
    """Of the staged rows: those in the table were loaded or anonymised, the others are duplicates of one there."""
    meaning = [name for name in _COLUMNS if name not in ("record_offset", "received_at")]
    copy, kept = (", ".join(f"{table}.{name}" for name in meaning) for table in ("copies", "events"))
    counted = con.execute(f"""
        with copies as (
            from incoming semi join (from taken union all from repeated) using (message_id)
        ),
        conflicts as (
            select copies.archive_id, count(*) as conflicting
            from copies join raw.events using (message_id)
            where row({copy}) is distinct from row({kept})
            group by all
        ),
        inserted as (
            select archive_id, count(*) filter (not is_anonymised) as loaded, count(*) filter (is_anonymised) as anonymised
            from raw.events where archive_id >= (select min(archive_id) from staged_parts) group by all
        )
        select archive_id, count(*), any_value(loaded), any_value(anonymised), any_value(conflicting)
        from incoming left join inserted using (archive_id) left join conflicts using (archive_id) group by all
        """).fetchall()
    for archive_id, staged, loaded, anonymised, conflicting in counted:
        parsed = ids[archive_id]
        parsed.count("loaded", loaded or 0)
        parsed.count("anonymised", anonymised or 0)
        parsed.count("duplicate", staged - (loaded or 0) - (anonymised or 0))
        parsed.conflicting = conflicting or 0
