"""Backups that were restored once before anyone needs them: what would be lost, and how long it would take, measured.

Each is booked as a line of ``books/backups.jsonl``. The trial puts the backup in a place of its own beside the others,
exactly as ``romi restore`` does, reads what is published there as finance does, and leaves nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from operations.backup_book import Verified, enter
from operations.publishing.probe import look
from operations.upkeep.backup import Backup, back_up
from operations.upkeep.restore import restore
from privacy.keys import key_file, keys_from
from settings import PermanentError, RomiError, Settings


def back_up_and_try(settings: Settings, to: Path | None = None, on_wait: Callable[[], None] = lambda: None) -> Verified:
    """Back up, restore the backup beside the others, compare, and book what that took.

    Raises:
        PermanentError: the backup cannot be restored; it is booked as that, and stays for a look at it.
    """
    made = back_up(settings, to or settings.backup.to, on_wait)
    problem, seconds = None, None
    try:
        seconds = _trial(settings, made)
    except RomiError as error:
        problem = str(error)
    done = Verified(
        str(made.folder), made.made_at.isoformat(), made.files, made.bytes, made.seconds, made.recovery_point,
        seconds, problem,
    )  # fmt: skip
    enter(settings, done)
    if problem:
        raise PermanentError(f"the backup {made.folder} cannot be restored: {problem}")
    return done


def _trial(settings: Settings, made: Backup) -> float:
    """Seconds to a restored warehouse; whoever restores it has the keys of this one."""
    place = made.folder.with_name(f".{made.folder.name}.trial")
    trial = settings.model_copy(update={"warehouse": place / "warehouse"})
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    try:
        with keys_from(key_file(settings.warehouse)):
            back = restore(trial, made.folder)
        if trial.published.is_symlink() and not (found := look(trial)).ok:
            raise PermanentError(f"what it published cannot be read there: {found.reason}")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return back.seconds
