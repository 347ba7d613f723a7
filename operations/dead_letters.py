"""Dead letters of several regions; a replay leaves the days it touched pending, for the next run to rebuild."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ingestion import dead_letters
from ingestion.books import region_file
from ingestion.dead_letters import Letter, Which
from ingestion.replay import Replayed, replay
from operations import status
from operations.rebuilding import plan
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from privacy.keys import region_key
from settings import RomiError, Settings, UnknownValueError, UsageError


@dataclass
class Outcome:
    """What a replay came to, by region; one that failed is named and holds back no other."""

    regions: dict[str, Replayed] = field(default_factory=dict)
    pending_days: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 1 if self.failures or any(one.not_opened or one.problems for one in self.regions.values()) else 0


def regions(settings: Settings, only: str | None) -> list[str]:
    """The regions that have something in the warehouse, or the one that is asked for.

    Raises:
        UsageError: there is no warehouse, or no such region.
    """
    check_warehouse(settings)
    known = [name for name in settings.known_regions() if settings.region_file(name).is_file()]
    if only is not None and only not in known:
        raise UnknownValueError("region", only, known)
    return known if only is None else [only]


def summary(settings: Settings, region: str | None, which: Which) -> list[dict[str, Any]]:
    """Dead letters of the regions, counted by reason, topic and day of arrival."""
    groups: list[dict[str, Any]] = []
    for name in regions(settings, region):
        with region_file(settings, name, read_only=True) as con:
            groups += [{"region": name, **group} for group in dead_letters.summary(con, which)]
    return groups


def letters(settings: Settings, region: str | None, which: Which, limit: int) -> list[tuple[str, Letter]]:
    """Single dead letters, each with its region."""
    found: list[tuple[str, Letter]] = []
    for name in regions(settings, region):
        with region_file(settings, name, read_only=True) as con:
            found += [(name, letter) for letter in dead_letters.letters(con, which, limit - len(found))]
    return found


def look(settings: Settings, region: str, which: Which, *, with_payload: bool) -> tuple[Letter, bytes | None]:
    """One dead letter (of the newest delivery that has it) and, if asked for, what it says.

    Raises:
        UsageError: it is not there, or the region's seal key is not.
        PermanentError: the payload was not kept, or does not open with the key.
    """
    (name,) = regions(settings, region)
    with region_file(settings, name, read_only=True) as con:
        found = dead_letters.letters(con, which, 1)
        if not found:
            raise UsageError(f"no such dead letter in {name}; `romi dead-letters list --ids` names them")
        if not with_payload:
            return found[0], None
        return found[0], dead_letters.payload(con, region_key(settings.warehouse, name, "seal", make=False), found[0])


def replay_regions(settings: Settings, region: str | None, which: Which, on_wait: OnWait = wait_quietly) -> Outcome:
    """Load what can be loaded now, and note the days to rebuild.

    Raises:
        UsageError: there is no warehouse, or no such region.
    """
    outcome = Outcome()
    names = regions(settings, region)
    with exclusive(settings, on_wait):
        for name in names:
            try:
                outcome.regions[name] = replay(settings, name, which)
                with region_file(settings, name) as con:
                    outcome.pending_days[name] = plan.plan(con, settings, name)
                    status.write_snapshot(con, settings, name)
            except RomiError as error:
                outcome.failures[name] = str(error)
    return outcome
