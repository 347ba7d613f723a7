"""Parse archives in parallel, outside the database: as many workers as the backlog is deep, within a bound."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ingestion import archives, readings
from ingestion.books import Delivery
from ingestion.boundary import Policy
from ingestion.commit import Parsed
from ingestion.compression import CorruptArchiveError
from ingestion.landing import Landed
from ingestion.replica import choose, of_replica
from ingestion.stage import Stage
from ingestion.zone import file_sha256
from privacy.keys import Key
from settings import RomiError, Settings, TransientError

MOST_WORKERS = min(8, os.cpu_count() or 2)
TRIES = 3  # of an archive that fails for a reason of ours, before it is set aside
_TASK_BYTES, _TASK_ARCHIVES = 8 << 20, 200
_COMMIT_RECORDS = 250_000
_COMMIT_LETTER_BYTES = 64 << 20  # DuckDB holds several times as much until the commit is through
_thread = threading.local()


def workers(depth: int) -> int:
    """How many threads parse a backlog of so many bytes: one for each task, no more than there are processors."""
    return max(1, min(MOST_WORKERS, -(-depth // _TASK_BYTES)))


def parse(group: list[Landed], *, settings: Settings, policy: Policy, seal_key: Key, folder: Path) -> list[Parsed]:
    """Read, mask and stage some archives, in a worker; the replica serves for one that is not whole.

    An archive that makes the reader fail is tried again by itself, and set aside after its tries: it is given up with
    the kind of error, and stops no other.

    Raises:
        TransientError: an archive cannot be read now and has no replica, or nothing can be staged.
    """
    stage = Stage(folder, policy, seal_key)
    try:
        return _parse(group, stage, settings, policy)
    except RomiError:
        raise
    except OSError as error:
        raise TransientError(f"{policy.region}: an archive cannot be read: {error.strerror or error}") from error
    except Exception as error:
        _thread.reader = None  # what it was in the midst of is not known
        if len(group) > 1:
            again = (parse([one], settings=settings, policy=policy, seal_key=seal_key, folder=folder) for one in group)
            return [parsed for found in again for parsed in found]
        return [_again(group[0], error, settings, policy, seal_key, folder)]


def _again(
    one: Landed, error: Exception, settings: Settings, policy: Policy, seal_key: Key, folder: Path
) -> Parsed:  # fmt: skip
    """The remaining tries of an archive that the reader failed on, each after a longer wait, with full jitter."""
    for attempt in range(1, TRIES):
        time.sleep(random.uniform(0, 0.1 * 2**attempt))
        try:
            return _parse([one], Stage(folder, policy, seal_key), settings, policy)[0]
        except RomiError:
            raise
        except Exception as again:
            _thread.reader, error = None, again
    parsed = Parsed(one, file_sha256(one.path))
    # No more than its kind: the text of an error may quote the data.
    parsed.give_up(f"the reader failed on it {TRIES} times ({type(error).__name__}), so it is set aside")
    return parsed


def _parse(group: list[Landed], stage: Stage, settings: Settings, policy: Policy) -> list[Parsed]:
    chosen = [choose(one) for one in group]
    found = _read([one for one, _, _ in chosen], [sha256 for _, sha256, _ in chosen], stage, settings, policy)
    for parsed, (_, _, failover) in zip(found, chosen, strict=True):
        parsed.failover = failover
    for n, (parsed, one) in enumerate(zip(found, group, strict=True)):
        if parsed.problem and one.replica and not parsed.failover:
            found[n] = _from_replica(one, parsed, stage, settings, policy)
    stage.flush()
    return found


def _from_replica(one: Landed, broken: Parsed, stage: Stage, settings: Settings, policy: Policy) -> Parsed:
    """What the replica has of an archive that cannot be read whole; where that is no better, what was found."""
    try:
        copy, sha256, failover = of_replica(one, f"corrupt: {broken.problem}")
    except TransientError:
        return broken
    [parsed] = _read([copy], [sha256], stage, settings, policy)
    if parsed.problem:
        broken.failover = replace(failover, is_served=False)
        broken.problem = f"{broken.problem}; its replica is no better"
        return broken
    parsed.failover = failover
    return parsed


def _read(
    group: list[Landed], contents: list[str], stage: Stage, settings: Settings, policy: Policy
) -> list[Parsed]:  # fmt: skip
    reader = getattr(_thread, "reader", None)
    if not reader or (reader.now, reader.reading) != (policy.now, policy.reading):
        reader = _thread.reader = archives.Reader(policy.now, policy.reading)
    parsed = {
        one.path: stage.begin(one, sha256, readings.told(settings, policy.region, one))
        for one, sha256 in zip(group, contents, strict=True)
    }
    is_segment = {one.path: settings.topic(one.topic).format == "segment" for one in group}
    for path, batch in reader.read([path for path in parsed if is_segment[path]]):
        if isinstance(batch, CorruptArchiveError):
            parsed[path].give_up(str(batch))
        else:
            stage.add(parsed[path], batch)
    for one in group:
        if not is_segment[one.path]:
            _read_converted(parsed[one.path], stage, settings, policy)
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


def groups(
    parse: Callable[[list[Landed]], list[Parsed]], events: list[Landed], tell: Callable[[Delivery], None]
) -> Iterator[list[Parsed]]:
    """Parse in the background, in order; yield so much at a time that a backlog commits in few transactions."""
    tasks, count = _batches(events), workers(sum(one.size for one in events))
    waiting: deque[Future[list[Parsed]]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="parse") as pool:
        ready: list[Parsed] = []
        while True:
            # Twice as many under way as there are workers: their rows lie in files.
            waiting.extend(pool.submit(parse, task) for task in islice(tasks, 2 * count - len(waiting)))
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
