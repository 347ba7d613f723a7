"""What an error, a withheld day or a file that cannot be read comes of, as findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from operations.error_messages import describe_error, is_disk_full
from operations.incidents.findings import Finding, Kind
from operations.service_levels.budget_words import what_is_left
from operations.store.memory.findings import Finding as LostState
from settings import UsageError

# What errors say, whoever raises them: the machine's troubles are known by their words, since databases wrap them.
_KNOWN = (
    (Kind.DISK_FULL, ("no space left on", "disk is full", "disk quota exceeded"), "the disk is full"),
    (Kind.LOCK, ("held by another process", "could not set lock", "file handle conflict", "database is locked"),
     "another process holds a file"),
    (Kind.OUT_OF_MEMORY, ("out of memory", "outofmemory", "cannot allocate memory"), "memory ran out"),
    (Kind.UNREADABLE, ("permission denied", "cannot be listed", "input/output error"), "a folder cannot be read"),
)  # fmt: skip
_MENDS = {
    Kind.DISK_FULL: "make room on the disk, then `romi run`",
    Kind.LOCK: "end the process that holds the file, or wait for it, then `romi run`",
    Kind.OUT_OF_MEMORY: "give the machine more memory, or run less beside it, then `romi run`",
    Kind.UNREADABLE: "give the account that runs `romi` permission to read it, then `romi run`",
}
_LOST = "LostStateError"
_NOT_WHOLE = "the archive cannot be read whole: "
# Of these, what follows the colon tells causes apart.
_NAMED_AFTER_COLON = ("test failed", "expectation failed", "unusual", "not conserved")
# What lost input explains: a day that lacks an archive lacks its orders.
_OF_INPUT = ("accuracy", "unusual", "cost is incomplete")


def of_failure(text: str, region: str | None, step: str, error_class: str | None = None) -> Finding:
    """What failed, by what its error says.

    Args:
        text: the error's message; one that quotes no value of the data.
        step: what was being done, such as ``ingest``.
        error_class: the name of the error's class, where it is known.
    """
    said = text.lower()
    for kind, words, cause in _KNOWN:
        if any(word in said for word in words):
            return Finding(kind, cause, text, region, things=(step,), mend=_MENDS[kind])
    if error_class == _LOST:
        return Finding(Kind.MEMORY, text.partition(";")[0], text, region, things=(step,), mend=_after(text))
    return Finding(Kind.FAILED_RUN, text, text, region, things=(step,), mend="correct what it names, then `romi run`")


def of_error(error: BaseException) -> Finding | None:
    """What ended a run before its end; None for wrong usage, which whoever used it wrongly has been told of."""
    if isinstance(error, UsageError):
        return None
    text = describe_error(error)
    return of_failure("no space left on the disk" if is_disk_full(error) else text, None, "run", type(error).__name__)


def of_lost_state(found: Iterable[LostState]) -> Iterator[Finding]:
    """What the warehouse must have and has not."""
    for one in found:
        cause = one.kind.replace("_", " ")
        yield Finding(Kind.MEMORY, cause, one.what, one.region, things=(one.kind,), mend=one.mend)


def of_withheld(region: str, withheld: dict[str, str]) -> Iterator[Finding]:
    """Days of a region that a blocking check holds back, by cause.

    Args:
        withheld: the reason by day, as the region's books have it.
    """
    days: dict[str, list[str]] = defaultdict(list)
    for day, reason in sorted(withheld.items()):
        days[_cause_of_withheld(reason)].append(day)
    for cause, of_it in days.items():
        lost_input = frozenset({Kind.CORRUPT_ARCHIVES, Kind.BACKLOG, Kind.LATE_REGION, Kind.FAILOVER})
        first = of_it[0]
        yield Finding(
            Kind.WITHHELD, cause, f"{_days(of_it)}: {withheld[first]}", region, things=tuple(of_it),
            mend="correct what the reason names, then `romi run`; the last good rows stand meanwhile",
            follows=lost_input if cause.startswith(_OF_INPUT) else frozenset(),
        )  # fmt: skip


def of_corrupt(region: str, files: Iterable[dict[str, Any]]) -> Iterator[Finding]:
    """Archives and files of which nothing was loaded, by what is wrong with them.

    Args:
        files: `name` and `problem` of each, as :func:`operations.incidents.unused.corrupt` has them.
    """
    named: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in files:
        is_archive = one["name"].startswith("events/")
        # Of an archive its compression tells: what is cut, empty or garbled of one kind comes of one writer.
        problem = one["problem"].removeprefix(_NOT_WHOLE).partition(":")[0].partition(";")[0]
        cause = f"{problem} archives cannot be read whole" if is_archive else problem
        named[cause, "events" if is_archive else one["name"].rpartition("/")[0]].append(one)
    for (cause, topic), of_it in named.items():
        count = "1 file" if len(of_it) == 1 else f"{len(of_it):,} files"
        yield Finding(
            Kind.CORRUPT_ARCHIVES, cause, f"{count} of {topic}, such as {of_it[0]['name']}: {of_it[0]['problem']}",
            region, topic, tuple(one["name"] for one in of_it),
            "ask upstream to send them again; each is read when it changes",
        )  # fmt: skip


def of_burning(levels: Iterable[tuple[str | None, str, dict[str, Any]]]) -> Iterator[Finding]:
    """Service levels whose error budget burns too fast: of each its region, name and figures."""
    named: dict[tuple[str | None, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for region, slo, level in levels:
        named[region, slo.partition(".")[0]][slo] = level
    for (region, name), of_it in named.items():
        slo, level = min(of_it.items(), key=lambda one: one[1]["error_budget_left"] or 0)
        marts = f"{name} of {len(of_it)} marts, such as {slo.partition('.')[2]}," if len(of_it) > 1 else slo
        yield Finding(
            Kind.BURN_RATE, name,
            f"{marts} as of {level['date']}: {level['alert']}, {what_is_left(level['error_budget_left'])}",
            region, things=tuple(sorted(of_it)), mend="look at its days in meta.slo_of_regions, and remove the cause",
        )  # fmt: skip


def of_clock(problem: str | None) -> Iterator[Finding]:
    """A clock that stands before what is booked.

    Args:
        problem: what `romi doctor` says of it, if anything.
    """
    if problem:
        yield Finding(Kind.CLOCK, "the clock is behind what is booked", problem, mend="set the clock, then `romi run`")


def of_backups(summary: dict[str, Any]) -> Iterator[Finding]:
    """A backup that could not be made or did not come back, or that is overdue by as long as it may take.

    Args:
        summary: what `romi status` says of backups.
    """
    mend = "check the disk of the backups, then `romi backup`"
    if summary["problem"]:
        yield Finding(Kind.BACKUP_FAILED, "the last backup failed", summary["problem"], mend=mend)
        return
    age, every = summary["recovery_point_seconds"], summary["every_hours"]
    if every and age is not None and age > 2 * every * 3600:
        hours = age // 3600
        yield Finding(Kind.BACKUP_FAILED, "backups are overdue", f"the last one is {hours:,} hours old", mend=mend)


def _cause_of_withheld(reason: str) -> str:
    what, _, rest = reason.partition(":")
    if what in _NAMED_AFTER_COLON:
        return f"{what}: {rest.strip().partition(' is ')[0]}"
    return what


def _days(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{len(days):,} days, {days[0]} to {days[-1]}"


def _after(text: str) -> str:
    return text.partition("; ")[2] or "`romi doctor` says what to do"
