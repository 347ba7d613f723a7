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
from itertools import islice
from pathlib import Path

import duckdb

from ingestion import archives, readings
from ingestion.books import Delivery, region_file
from ingestion.boundary import Policy
from ingestion.commit import Parsed, commit
from ingestion.compression import CorruptArchiveError
from ingestion.gaps import note_sparse_topics
from ingestion.held_key import hold_key
from ingestion.landing import Landed, discover
from ingestion.load_tables import load_table, source_name
from ingestion.reading import Reading
from ingestion.records import naive_utc
from ingestion.sources.tabular.read import Context
from ingestion.stage import Stage
from ingestion.zone import File
from privacy.keys import Key, region_key
from privacy.suppression_book import SuppressionBook
from settings import Settings, TransientError, now

WORKERS = 2
_AHEAD = 2 * WORKERS  # tasks under way at most; their rows lie in files
_TASK_BYTES, _TASK_ARCHIVES = 8 << 20, 200
# Of the database: it would keep in memory what it wrote and looked through. Where there are dead letters it needs more,
# since at a checkpoint it holds at once all long texts of a row group.
_MEMORY, _MEMORY_FOR_LETTERS, _FEW_LETTERS = "384MB", "2GB", 100
_COMMIT_RECORDS = 250_000
_COMMIT_LETTER_BYTES = 64 << 20  # DuckDB holds several times as much until the commit is through


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
    corrupt: list[str] = field(default_factory=list)


def load_region(
    settings: Settings,
    region: str,
    report: Callable[[Progress], None] = lambda _: None,
    vet: Callable[[list[Landed]], None] = lambda _: None,
) -> Loaded:
    """Take everything new of a region's landing zone into its file: whole archives, each content once.

    Before anything of it is loaded, `vet` may refuse what is new by raising an error.

    Raises:
        UsageError: the region's file was filled under another key.
        TransientError: another process holds the region's file.
    """
    policy = region_policy(settings, region)
    seal_key = region_key(settings.warehouse, region, "seal")
    done = Loaded()
    with region_file(settings, region) as con, staging(settings, region) as folder:
        _limit_memory(con)
        hold_key(con, policy.key)
        note_sparse_topics(con, settings)
        landed_now = discover(settings, region)
        fresh = unseen(con, landed_now)
        fresh = [one for one in _refused_tables(con, landed_now) if one not in fresh] + fresh
        vet(fresh)
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
            source = settings.source(source_name(landed))
            if delivery := load_table(con, landed, file_sha256(landed.path), context, seal_key, source):
                readings.book_last(con, settings, region, landed)
                tell(delivery)
        task = partial(parse, settings=settings, policy=policy, seal_key=seal_key, folder=folder)
        for group in _groups(task, [one for one in fresh if one.kind == "events"], tell):
            _limit_memory(con, sum(sum(parsed.reasons.values()) for parsed in group))
            commit(con, group, policy.now)
    return done


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


def unseen(con: duckdb.DuckDBPyConnection, landed: list[Landed]) -> list[Landed]:
    """What the books do not hold as it stands: unknown names, and known ones whose content is not their last."""
    known = con.execute("""
        select name, size_bytes, mtime_ns, sha256 from ops.archives
        qualify row_number() over (partition by name order by archive_id desc) = 1""").fetchall()
    stamps = {row[:3] for row in known}
    last = {name: sha256 for name, _, _, sha256 in known}
    changed = [one for one in landed if (one.name, one.size, one.mtime_ns) not in stamps]
    return [one for one in changed if one.name not in last or file_sha256(one.path) != last[one.name]]


def _refused_tables(con: duckdb.DuckDBPyConnection, landed: list[Landed]) -> list[Landed]:
    """Tables that could not be read: each is tried again, since the configuration may say by now how it is read."""
    refused = con.execute("""
        select name, state from ops.archives where kind <> 'events'
        qualify row_number() over (partition by name order by archive_id desc) = 1""").fetchall()
    names = {name for name, state in refused if state == "corrupt"}
    return [one for one in landed if one.name in names]


def file_sha256(path: File) -> str:
    """The content's name.

    Raises:
        TransientError: the file went away since it was discovered, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TransientError(f"{path} cannot be read: {error.strerror}") from error


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


_thread = threading.local()


def parse(group: list[Landed], *, settings: Settings, policy: Policy, seal_key: Key, folder: Path) -> list[Parsed]:
    """Read, mask and stage some archives, in a worker."""
    reader = getattr(_thread, "reader", None)
    if not reader or (reader.now, reader.reading) != (policy.now, policy.reading):
        reader = _thread.reader = archives.Reader(policy.now, policy.reading)
    stage = Stage(folder, policy, seal_key)
    parsed = {
        one.path: stage.begin(one, file_sha256(one.path), readings.told(settings, policy.region, one)) for one in group
    }
    is_segment = {one.path: settings.topic(one.topic).format == "segment" for one in group}
    alike = [path for path in parsed if is_segment[path]]
    for path, batch in reader.read(alike):
        if isinstance(batch, CorruptArchiveError):
            parsed[path].give_up(str(batch))
        else:
            stage.add(parsed[path], batch)
    for one in group:
        if not is_segment[one.path]:
            _read_converted(parsed[one.path], stage, settings, policy)
    stage.flush()
    return list(parsed.values())


def _read_converted(parsed: Parsed, stage: Stage, settings: Settings, policy: Policy) -> None:
    source_format = settings.topic(parsed.landed.topic).format
    try:
        for batch in archives.read_converted(parsed.landed.path, source_format, policy.now, policy.reading):
            stage.add(parsed, batch)
    except CorruptArchiveError as error:
        parsed.give_up(str(error))


def _batches(events: list[Landed]) -> Iterator[list[Landed]]:
    """Neighbouring archives in tasks of about one size: what costs the same for few rows as for many is shared."""
    group: list[Landed] = []
    for landed in events:
        if group and (sum(one.size for one in group) + landed.size > _TASK_BYTES or len(group) >= _TASK_ARCHIVES):
            yield group
            group = []
        group.append(landed)
    if group:
        yield group


def _groups(
    parse: Callable[[list[Landed]], list[Parsed]], events: list[Landed], tell: Callable[[Delivery], None]
) -> Iterator[list[Parsed]]:
    """Parse in the background, in order; yield so much at a time that a backlog commits in few transactions."""
    tasks = _batches(events)
    waiting: deque[Future[list[Parsed]]] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="parse") as pool:
        ready: list[Parsed] = []
        while True:
            waiting.extend(pool.submit(parse, task) for task in islice(tasks, _AHEAD - len(waiting)))
            if not waiting:
                break
            committed: list[Parsed] = []
            for parsed in waiting.popleft().result():
                ready.append(parsed)
                tell(parsed)
                if _is_enough(ready):
                    yield ready
                    committed, ready = committed + ready, []
            for path in _files(committed) - _files(ready):  # archives of a task share files
                path.unlink(missing_ok=True)
        if ready:
            yield ready


def _files(group: list[Parsed]) -> set[Path]:
    return {path for parsed in group for path in parsed.parts + parsed.letters}


def _is_enough(group: list[Parsed]) -> bool:
    records, letters = sum(one.records for one in group), sum(one.letter_bytes for one in group)
    return records >= _COMMIT_RECORDS or letters >= _COMMIT_LETTER_BYTES
