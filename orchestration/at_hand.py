"""What of the partitions that a run was given is there to be worked on."""

from __future__ import annotations

from datetime import date

import dagster as dg

from operations.rebuilding.rebuild import days_at_hand
from orchestration.partitions import windows_of
from settings import Settings


def windows_at_hand(context: dg.AssetExecutionContext, settings: Settings) -> list[tuple[str, date, date]]:
    """The windows of the run's partitions of which something has landed; of the others the run's log says so.

    Whoever chooses "Latest" or "All" in the UI chooses such days as well: the last partition is ahead of the clock, and
    regions do not all begin on the same day. That is no failure, and opens no incident.
    """
    found = []
    for region, first, last in windows_of(context.partition_keys):
        if window := days_at_hand(settings, region, first, last):
            found.append((region, *window))
            continue
        days = sorted(
            day for day, _, where in (key.partition("|") for key in context.partition_keys)
            if where == region and first <= date.fromisoformat(day) <= last
        )  # fmt: skip
        span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        context.log.warning(f"{region}: nothing is there of {span}, so nothing of it is done")
    return found
