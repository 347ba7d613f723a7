"""Days × regions. Regions are added as they land; a region's day is a day of its own calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from operations.rebuilding.plan import split_windows
from orchestration.calendar_start import first_day

FIRST_DAY = first_day()  # every day before belongs to the first partition, so that none is out of reach

regions = dg.DynamicPartitionsDefinition(name="region")
# Two days ahead of UTC, since a region east of it is a day ahead.
days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=2)
region_days = dg.MultiPartitionsDefinition({"day": days, "region": regions})


def range_tags(region: str, first: date, last: date) -> dict[str, str]:
    """The tags by which a run takes the days `first` to `last` of one region.

    Days outside the calendar of partitions, such as an order of 2009, belong to its first or last day.
    """
    latest = date.fromisoformat(days.get_last_partition_key() or FIRST_DAY.isoformat())
    start, end = (min(max(day, FIRST_DAY), latest) for day in (first, last))
    return {
        "dagster/asset_partition_range_start": f"{start}|{region}",
        "dagster/asset_partition_range_end": f"{end}|{region}",
    }


def windows_of(keys: Sequence[str]) -> list[tuple[str, date, date]]:
    """The windows of days that a run's partition keys name, by region; the calendar's ends are open.

    Days of one month are one window, with what lies between them, since they have common maps and weights.
    """
    latest = date.fromisoformat(days.get_last_partition_key() or "")
    chosen: dict[str, set[date]] = {}
    for day, _, region in (key.partition("|") for key in keys):
        chosen.setdefault(region, set()).add(date.fromisoformat(day))
    return [
        (
            region,
            FIRST_DAY.min if first == FIRST_DAY else first,
            last + timedelta(days=36525) if last >= latest else last,
        )
        for region in sorted(chosen)
        for first, last in split_windows(sorted(chosen[region]))
    ]
