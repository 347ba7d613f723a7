"""What there is to publish: the regions, how each stands, and whether that is what the current version was made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

from operations.dp_release.released_marts import released_state
from operations.finance_tables.published_tables import PUBLISHED, dictionary
from operations.finance_tables.version_tables import Source
from operations.publishing.closed_months import closes_of
from operations.publishing.region_marts import Reading, RegionLateError, RegionState, read_region
from operations.store.memory.remembered import is_to_be_kept
from operations.store.versions import last_seen
from operations.switches import in_words
from settings import Settings


def surveyed(settings: Settings, last: dict[str, Any]) -> dict[str, Source]:
    """Each region that is published, without its rows. `last` is the manifest of the current version."""
    return {region: source_of(settings, region, last, with_rows=False) for region in _regions(settings, last)}


def with_rows(settings: Settings, last: dict[str, Any], found: dict[str, Source]) -> dict[str, Source]:
    """The regions of a survey with their rows, but for those that are late."""
    return {
        region: source if source.late else source_of(settings, region, last, with_rows=True)
        for region, source in found.items()
    }


def _regions(settings: Settings, last: dict[str, Any]) -> list[str]:
    files = {path.stem for path in settings.regions_dir.glob("*.duckdb")}
    published = last["regions"] if settings.regions is None else set(last["regions"]) & set(settings.regions)
    kept = {region for region in last["regions"] if is_to_be_kept(settings, region)}
    return sorted(files | set(settings.known_regions()) | set(published) | kept)


def source_of(settings: Settings, region: str, last: dict[str, Any], *, with_rows: bool) -> Source:
    """A region as its file is; as it was last published where that cannot be read."""
    try:
        reading: Reading = read_region(settings, region, with_rows=with_rows)
    except RegionLateError as error:
        known = last["regions"].get(region)
        state = RegionState(**{**known, "carried_over": True}) if known else None
        # A writer is done in a moment; a file that is gone or broken says nothing final until it is back.
        if state and not error.is_passing:
            state = replace(state, final_through=None)
        return Source(state, {}, late=error.reason, is_passing=error.is_passing)
    return Source(reading.state, reading.rows, reading.builds, reading.facts, reading.answers)


def fingerprint(settings: Settings, sources: dict[str, Source]) -> dict[str, Any]:
    """All that a version follows from: while it stays, so does what is published."""
    contract = [[str(table), list(table.columns.items())] for table in PUBLISHED]
    return {
        "contract": hashlib.sha256(json.dumps([contract, dictionary()]).encode()).hexdigest(),
        "regions": {region: asdict(source.state) for region, source in sources.items() if source.state},
        "currency": settings.reporting_currency,
        "released": released_state(settings),
        "closes": closes_of(settings),
        "switches": {region: in_words(settings, region) for region, source in sources.items() if source.state},
    }


def is_known(settings: Settings, current: int | None, last: dict[str, Any], sources: dict[str, Source]) -> bool:
    """Whether the regions' files stand as they did when they last came out as the current version."""
    known = last_seen(settings)
    known = known if known.get("version") == current else last
    found = fingerprint(settings, sources)
    for region, source in sources.items():
        if source.is_passing and source.state:
            found["regions"][region] = known["regions"].get(region)
    return current is not None and all(found[key] == known.get(key) for key in found)
