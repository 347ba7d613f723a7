"""Files that a changed setting would give another fate: name them, and read them again."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from ingestion import readings
from ingestion.books import region_file, transaction
from ingestion.readings import Stale
from ingestion.reread import Reread, reread
from operations import status
from operations.landed_files.listing import region_of
from operations.rebuilding import plan
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from settings import RomiError, Settings, UnknownValueError

_WORDS = {
    "format": "the format of its topic",
    "consent": "consent:",
    "consent_default": "consent_default",
    "currency": "the region's currency",
    "source": "sources:",
    "timezone": "the region's timezone",
    "conversions": "attribution.conversions",
}


@dataclass
class Outcome:
    """What was read again, by region; one that failed is named and holds back no other."""

    regions: dict[str, Reread] = field(default_factory=dict)
    pending_days: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 1 if self.failures or any(one.problems for one in self.regions.values()) else 0


def warning(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> str | None:
    """What to say where a setting was changed after files were read; None where none was."""
    found = readings.stale(con, settings, region)
    if not found:
        return None
    changed = sorted({_WORDS[key] for one in found for key in one.changed})
    files = "1 file was" if len(found) == 1 else f"{len(found):,} files were"
    return (
        f"{files} read before {' and '.join(changed)} changed in the configuration: up to"
        f" {sum(one.records for one in found):,} of their records would be read differently;"
        f" `romi files reread --region {region}` reads them again"
    )


def reread_regions(settings: Settings, region: str | None, name: str | None, on_wait: OnWait = wait_quietly) -> Outcome:
    """Read again what was read under other settings, or the one file of that name, and note the days to rebuild.

    Raises:
        UsageError: there is no warehouse, no such region, or no file of that name was read.
    """
    check_warehouse(settings)
    known = [one for one in settings.known_regions() if settings.region_file(one).is_file()]
    if region is not None and region not in known:
        raise UnknownValueError("region", region, known)
    if name is not None:
        region = region_of(settings, region, name)
    outcome = Outcome()
    with exclusive(settings, on_wait):
        for one in known if region is None else [region]:
            try:
                outcome.regions[one] = _reread(settings, one, name)
                with region_file(settings, one) as con:
                    outcome.pending_days[one] = plan.plan(con, settings, one)
                    status.write_snapshot(con, settings, one)
            except RomiError as error:
                outcome.failures[one] = str(error)
    return outcome


def _reread(settings: Settings, region: str, name: str | None) -> Reread:
    """The days are planned while the records are still there to tell them."""
    with region_file(settings, region) as con:
        found = _chosen(readings.stale(con, settings, region), name)
        with transaction(con):
            for one in found:
                con.execute("insert into ops.changes values ('archive', null, ?)", [str(one.archive_id)])
        plan.plan(con, settings, region)
    return reread(settings, region, found)


def _chosen(found: list[Stale], name: str | None) -> list[Stale]:
    return found if name is None else [one for one in found if one.landed.name == name]
