"""What recovery takes: what is missing of each region, what is done in which order, and when its marts are right again.

It is told from snapshots, books and the landing zone, and opens no region's file, so that it answers during an outage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ingestion.landing import Landed
from operations import status
from operations.rebuilding.plan import LEARNING_DAYS, split_windows
from operations.recovery import backlog, history
from operations.store.memory.published import findings as lost_state
from settings import Settings, TransientError, UsageError, now

_DAY_OF_PATH = re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})")
# Seconds, before anything of it is known; without what is beyond the work itself, which is booked with it.
_LIKELY = {"load": 20.0, "rebuild": 20.0, "publish": 10.0}


@dataclass(frozen=True)
class Step:
    """A piece of the work, how long it takes by the last of its kind, and when it will be done, in seconds from now."""

    what: str  # start, load, rebuild, publish
    region: str | None
    detail: str
    seconds: float
    done_in: float


@dataclass
class Recovery:
    """The plan: what no run mends, what is missing of each region, and the steps in their order."""

    first: list[str] = field(default_factory=list)  # what a person has to do before, by name and command
    regions: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def add(self, what: str, region: str | None, detail: str, seconds: float) -> None:
        done = self.steps[-1].done_in if self.steps else 0.0
        self.steps.append(Step(what, region, detail, round(seconds, 1), round(done + seconds, 1)))


def plan_recovery(settings: Settings) -> Recovery:
    """The plan: every region is loaded, then its newest days are rebuilt and published before any older ones.

    The days of archives that wait are known by their time partitioner's folders, or else by when they arrived;
    :func:`_touched` tells which others they concern.
    """
    found, loads, rebuilt = Recovery(), dict[str, list[Landed]](), dict[str, list[tuple[date, date]]]()
    lost = lost_state(settings, opens=False)
    found.first = [str(one) for one in lost]
    stopped = {one.region for one in lost if not one.may_load_again}
    for one in status.snapshots(settings):
        region = one["region"]
        if region in stopped or "books" not in one:
            continue
        try:
            loads[region] = backlog.waiting(settings, region)
        except (UsageError, TransientError) as error:
            found.first.append(f"{region}: {error}")
            loads[region] = []
        rebuilt[region] = split_windows(sorted({*_pending(one), *_touched(settings, one, loads[region])}))
        found.regions[region] = _missing(settings, one, loads[region], rebuilt[region])
    if any(loads.values()) or any(rebuilt.values()):
        _add_steps(found, settings, loads, rebuilt)
    return found


def _add_steps(
    found: Recovery, settings: Settings, loads: dict[str, list[Landed]], rebuilt: dict[str, list[tuple[date, date]]]
) -> None:
    """As :func:`orchestration.recovery.recover` does them."""
    idle = [region for region, left in loads.items() if not left]
    looks = sum(_seconds(settings, "ingest job", region) for region in idle)
    found.add("start", None, "what any run does beside its jobs", _seconds(settings, "run", "") + looks)
    for region, left in loads.items():
        if left:
            found.add("load", region, _files(left), _load_seconds(settings, region, left))
    for region, windows in rebuilt.items():
        if windows:
            found.add("rebuild", region, _days(windows[-1]), _rebuild_seconds(settings, region, windows[-1]))
    found.add("publish", None, "the newest days of every region are right", _publish_seconds(settings))
    later = {region: [*windows[:-1], windows[-1]] for region, windows in rebuilt.items() if len(windows) > 1}
    for region, windows in later.items():
        for window in windows:
            found.add("rebuild", region, _days(window), _rebuild_seconds(settings, region, window))
    if later:
        found.add("publish", None, "every day of every region is right", _publish_seconds(settings))


def _missing(
    settings: Settings, snapshot: dict[str, Any], left: list[Landed], windows: list[tuple[date, date]]
) -> dict[str, Any]:
    depth = backlog.depth(settings, snapshot["region"], snapshot["books"], left)
    return {
        "waiting": {topic: one for topic, one in depth["topics"].items() if one["archives"]},
        "known_loss": snapshot["books"]["known_loss"],
        "corrupt": [one["name"] for one in snapshot["books"]["corrupt"]],
        "days": [[str(first), str(last)] for first, last in windows],
        "withheld": snapshot["withheld"],
    }


def _pending(snapshot: dict[str, Any]) -> set[date]:
    return {
        first + timedelta(days=n)
        for first, last in status.windows(snapshot) for n in range((last - first).days + 1)
    }  # fmt: skip


def _touched(settings: Settings, snapshot: dict[str, Any], left: list[Landed]) -> set[date]:
    """The days that waiting archives speak of, with the whole months that they share maps and weights with.

    Of what is built already, they concern more: a device whose person shows only now brings its earlier visits along,
    for which the look-back window stands, and later months learn from these days.
    """
    today = now().date()
    found = {min(day, today) for one in left if one.kind == "events" for day in [_day_of(one)]}
    months = {day.replace(day=1) for day in found}
    whole = {
        month + timedelta(days=n) for month in months for n in range(31)
        if (month + timedelta(days=n)).month == month.month and month + timedelta(days=n) <= today
    }  # fmt: skip
    if not (first := snapshot.get("first_day")):
        return whole
    lookback, learning = (timedelta(days=n) for n in (settings.attribution.longest_lookback_days, LEARNING_DAYS))
    spans = {((day - lookback).replace(day=1), (day + learning).replace(day=1)) for day in found}
    built = (today - timedelta(days=n) for n in range((today - date.fromisoformat(first)).days + 1))
    return whole | {day for day in built if any(begin <= day.replace(day=1) < end for begin, end in spans)}


def _day_of(landed: Landed) -> date:
    if match := _DAY_OF_PATH.search(landed.name):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            pass
    return datetime.fromtimestamp(landed.mtime_ns / 1e9, UTC).date()


def _load_seconds(settings: Settings, region: str, left: list[Landed]) -> float:
    size, beyond = sum(one.size for one in left), _seconds(settings, "ingest job", region)
    if (pace := backlog.drain_pace(settings, region)) is None or not pace["bytes"]:
        return _LIKELY["load"]
    return size * pace["seconds"] / pace["bytes"] + beyond


def _rebuild_seconds(settings: Settings, region: str, window: tuple[date, date]) -> float:
    """By the least squares of seconds over days of the last rebuilds, where they had different lengths."""
    days = (window[1] - window[0]).days + 1
    known = [(float(one.get("days", 1)), float(one["seconds"])) for one in history.work(settings, "rebuild", region)]
    if not known:
        return _LIKELY["rebuild"]
    mean_days, mean = (sum(one[place] for one in known) / len(known) for place in (0, 1))
    spread = sum((one - mean_days) ** 2 for one, _ in known)
    slope = sum((one - mean_days) * (took - mean) for one, took in known) / spread if spread else 0.0
    took = max(mean + max(slope, 0.0) * (days - mean_days), min(took for _, took in known))
    return took + _seconds(settings, "rebuild job", region)


def _publish_seconds(settings: Settings) -> float:
    return _seconds(settings, "publish", "") + _seconds(settings, "publish job", "")


def _seconds(settings: Settings, what: history.Work, region: str) -> float:
    """The median of the last of its kind; before any, what is likely of work, and nothing of what is beyond it."""
    known = sorted(float(one["seconds"]) for one in history.work(settings, what, region))
    return known[len(known) // 2] if known else _LIKELY.get(what, 0.0)


def _files(left: list[Landed]) -> str:
    tables = sum(one.kind != "events" for one in left)
    named = [f"{tables:,} tables"] if tables else []
    topics = dict.fromkeys(one.topic for one in left if one.kind == "events")  # in the order of loading
    counts = [f"{sum(one.topic == topic for one in left):,} archives of {topic}" for topic in topics]
    return ", then ".join(named + counts)


def _days(window: tuple[date, date]) -> str:
    return str(window[0]) if window[0] == window[1] else f"{window[0]} to {window[1]}"
