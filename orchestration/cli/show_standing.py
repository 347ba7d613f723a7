"""The lines of `romi status` about incidents, room on the disk, and closed months."""

from __future__ import annotations

from typing import Any

_SHOWN = 5  # incidents that have a line each
_GB = 10**9


def standing_lines(overview: dict[str, Any]) -> list[str]:
    """Open incidents, the day on which the disk stops fitting, and the months that are closed."""
    return [
        *incident_lines(overview["incidents"]),
        capacity_line(overview["capacity"]),
        closed_months_line(overview["closed_months"]),
    ]


def incident_lines(incidents: list[dict[str, Any]]) -> list[str]:
    """A line for each of the oldest incidents that are not over, and how many more there are."""
    lines = [
        f"incident {one['number']} ({one['severity']}) since {one['opened_at'][:16].replace('T', ' ')} UTC:"
        f" {one['title']}; "
        + (f"{one['acknowledged_by']} is on it" if one["acknowledged_by"]
           else f"`romi incidents show {one['number']}`")
        for one in incidents[:_SHOWN]
    ]  # fmt: skip
    more = len(incidents) - _SHOWN
    if more > 0:
        lines.append(f"incidents: {more} more; `romi incidents list`")
    return lines or ["incidents: none open"]


def capacity_line(capacity: dict[str, Any]) -> str:
    """What comes in a day, and until when the disk suffices for it."""
    day = capacity["stops_fitting_on"]
    until = f"the disk stops fitting on {day}" if day else "the disk suffices for more than five years"
    return (
        f"capacity: {capacity['events_a_day']:,} events and {capacity['bytes_a_day'] / _GB:.2f} GB a day,"
        f" {capacity['free_bytes'] / _GB:,.1f} GB free: {until}"
    )


def closed_months_line(months: list[str] | None) -> str:
    """The months whose figures are locked; a damaged lock stands among what is missing."""
    if months is None:
        return "closed months: a lock cannot be read; `romi close verify` says which"
    return f"closed months: {', '.join(months) or 'none'}"
