"""Days × regions. Regions are added as they land; a region's day is a day of its own calendar."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg

# Raw events live 395 days by default. Every day before belongs to the first partition, so that none is out of reach; a
# calendar that began long before the data would show nearly all of them missing, and each run goes through its keys.
FIRST_DAY = date(date.today().year - 2, 1, 1)

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


def window_of(keys: list[str]) -> tuple[str, date, date]:
    """The region and the contiguous days that a run's partition keys name; the calendar's ends are open."""
    pairs = [key.split("|") for key in keys]
    named = sorted({region for _, region in pairs})
    if len(named) != 1:
        raise dg.Failure(f"a run takes one region at a time, not {', '.join(named)}", allow_retries=False)
    first, last = (date.fromisoformat(pick(day for day, _ in pairs)) for pick in (min, max))
    if last >= date.fromisoformat(days.get_last_partition_key() or ""):
        last += timedelta(days=36525)
    return named[0], FIRST_DAY.min if first == FIRST_DAY else first, last
