"""How severe an incident is: from the usual revenue a minute that is at risk, and the days until finance closes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from operations.incidents.findings import Finding, Kind
from operations.incidents.incident import SEVERITIES, Incident
from operations.service_levels import usual_revenue
from settings import Settings
from settings.durable import read_json

_SOON = 3  # days before finance closes, from which on what keeps figures back weighs more
_KEEPS_FIGURES_BACK = {
    Kind.FAILED_RUN, Kind.WITHHELD, Kind.CORRUPT_ARCHIVES, Kind.LATE_REGION, Kind.BACKLOG, Kind.MEMORY, Kind.LOCK,
    Kind.DISK_FULL, Kind.OUT_OF_MEMORY, Kind.UNREADABLE,
}  # fmt: skip
# Whatever the hour: what a warehouse has lost, and persons' rights, do not wait for business hours.
_NEVER_MINOR = {Kind.MEMORY, Kind.BREACH}
# These put no revenue at risk: what is published stands, and only the way back or the telling is weaker.
_NOTHING_AT_RISK = {Kind.BACKUP_FAILED, Kind.NOTICES_UNDELIVERABLE, Kind.FAILOVER, Kind.CLOCK, Kind.JOURNAL}


def stakes(settings: Settings, standing: Iterable[Finding], at: datetime) -> dict[str, Any]:
    """The severity of what is found, and the cents of usual revenue a minute of the regions that it touches."""
    standing = list(standing)
    kinds = {one.kind for one in standing}
    usual = baseline(settings)
    touched = {one.region for one in standing if one.kind not in _NOTHING_AT_RISK}
    hours = list(usual.values()) if None in touched else [usual.get(str(region)) for region in touched]
    at_risk = usual_revenue.cents_a_minute(hours, at) if touched else 0
    rank = _rank(settings, at_risk, usual_revenue.mean_cents_a_minute(usual.values()))
    if kinds & _KEEPS_FIGURES_BACK and days_to_close(settings, at) <= _SOON:
        rank -= 1
    if kinds & _NEVER_MINOR:
        rank = min(rank, 1)
    return {"severity": SEVERITIES[max(rank, 0)], "at_risk_cents": at_risk}


def puts_revenue_at_risk(incident: Incident) -> bool:
    """Whether anything that it ever touched does, if not in every hour."""
    return any(Kind(kind) not in _NOTHING_AT_RISK for kind, *_ in incident.touched)


def baseline(settings: Settings) -> dict[str, list[int] | None]:
    """The usual revenue of each region by hour of the week, as its last snapshot has it."""
    paths = sorted((settings.warehouse / "status").glob("*.json"))
    return usual_revenue.of_snapshots([found for path in paths if (found := read_json(path))])


def days_to_close(settings: Settings, at: datetime) -> int:
    """Days until finance closes the month before; large once that is over, as the next is far."""
    left = settings.incidents.close_day - at.day
    return left if left >= 0 else 28


def _rank(settings: Settings, at_risk: int | None, mean: int) -> int:
    if at_risk is None or not mean:
        return SEVERITIES.index("minor")
    share = at_risk / mean
    bounds = settings.incidents.severity
    return 0 if share >= bounds.critical else 1 if share >= bounds.major else 2
