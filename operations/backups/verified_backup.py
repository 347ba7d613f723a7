"""Backups that were restored once before anyone needs them: what would be lost, and how long it would take, measured.

Each is booked as a line of ``books/backups.jsonl``, one that could not be made, too. The trial puts the backup in a
place of its own beside the others, exactly as ``romi restore`` does, reads what is published there as finance does, and
leaves nothing behind.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb

from operations.backups import bucket_copies
from operations.backups.backup import Backup, back_up
from operations.backups.backup_book import Verified, enter
from operations.backups.backup_places import claimed, take_away, trial_of
from operations.backups.restore import restore
from operations.error_messages import describe_error
from operations.service_levels.probe import look
from operations.store.locks import OnWait, check_warehouse, wait_quietly
from operations.store.memory.published import findings as missing_state
from privacy.keys import key_file, keys_from
from settings import PermanentError, RomiError, Settings, UsageError, now


def back_up_and_try(
    settings: Settings, to: Path | str | None = None, on_wait: OnWait = wait_quietly, *, trial: bool = True
) -> Verified:
    """Back up, restore the backup beside the others, compare, and book what that took, or why there is none.

    Args:
        to: a folder, or an address in an object store, where a copy takes the backup's place; the trial is the copy's.

    Raises:
        UsageError: `to` cannot hold backups, or there is no warehouse; nothing is booked.
        PermanentError: there is no backup, or it cannot be restored, or what the warehouse must have is missing in it;
            such a one stays for a look at it, and is not taken for the last good one.
    """
    check_warehouse(settings)
    target = to or settings.backup.to
    made = _made(settings, target if isinstance(target, Path) else None, on_wait, is_asked=to is not None)
    folder = Path(made.folder)
    place: Path | str = folder
    problem, fault, seconds = None, "", None
    try:
        if isinstance(target, str):
            place = bucket_copies.upload(settings, folder, target)
            take_away(folder)  # before the trial, which takes as much room
        if trial:
            seconds = _trial(settings, folder, place)
    except (RomiError, OSError, duckdb.Error) as error:
        problem, fault = describe_error(error), "cannot be restored"
        if isinstance(target, str) and place == folder:
            fault = "was not uploaded"
    if not problem and (lacking := missing_state(settings)):
        problem, fault = "; ".join(f"{one.region or 'all'}: {one}" for one in lacking), "lacks what the warehouse lacks"
    done = Verified(
        str(place), made.made_at.isoformat(), made.files, made.bytes, made.seconds, made.recovery_point,
        seconds, problem,
    )  # fmt: skip
    enter(settings, done)
    if problem:
        raise PermanentError(f"the backup {place} {fault}: {problem}")
    return done


def _made(settings: Settings, to: Path | None, on_wait: OnWait, *, is_asked: bool) -> Backup:
    try:
        return back_up(settings, to, on_wait)
    except Exception as error:
        if not is_asked or not isinstance(error, UsageError):
            with suppress(OSError):  # the disk that is full may be the warehouse's
                enter(settings, Verified("", now().isoformat(), 0, 0, 0.0, {}, None, describe_error(error)))
        if isinstance(error, OSError | duckdb.Error):
            raise PermanentError(f"no backup was made: {describe_error(error)}") from error
        raise


def _trial(settings: Settings, folder: Path, backup: Path | str) -> float:
    """Seconds to a restored warehouse; whoever restores it has the keys of this one."""
    with claimed(trial_of(folder)) as place:
        trial = settings.model_copy(update={"warehouse": place / "warehouse"})
        with keys_from(key_file(settings.warehouse)):
            back = restore(trial, backup)
        if trial.published.is_symlink() and not (found := look(trial)).ok:
            raise PermanentError(f"what it published cannot be read there: {found.reason}")
        return back.seconds
