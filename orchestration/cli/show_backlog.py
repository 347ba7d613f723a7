"""The backlog in words, a line a topic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestration.cli.console import span

_NAMES = 3  # of files that a line names


def backlog_lines(regions: dict[str, Any]) -> Iterator[str]:
    """A line for each topic of which something waits, for what is unusual of it, and for failovers that stand."""
    for region, one in regions.items():
        backlog = one["backlog"]
        for topic, depth in backlog.get("topics", {}).items():
            if depth["archives"]:
                yield f"backlog {region} {topic}: {_depth(depth)}"
        if backlog.get("archives"):
            yield f"backlog {region}: {_rates(backlog)}"
        for found in backlog.get("unusual", ()):
            place = f"{region} {found['topic']}" if found["topic"] else region
            yield f"backlog {place} is not as usual: {found['words']}"
        if served := backlog.get("failovers"):
            named = ", ".join(f"{file['name']} ({file['why']})" for file in served[:_NAMES])
            more = f" and {len(served) - _NAMES:,} more" if len(served) > _NAMES else ""
            yield f"failover {region}: its replica serves for {named}{more}"
        if problem := backlog.get("replica_problem"):
            yield f"failover {region}: {problem}"


def _depth(depth: dict[str, Any]) -> str:
    files = "1 file" if depth["archives"] == 1 else f"{depth['archives']:,} files"
    records = f", about {depth['records']:,} records" if depth["records"] else ""
    return f"{files}{records}, {depth['bytes']:,} bytes; the oldest has waited for {span(depth['oldest_age_seconds'])}"


def _rates(backlog: dict[str, Any]) -> str:
    arrival = f"{backlog['arrival_records_per_hour']:,.0f} records an hour arrived in the last day"
    if backlog["drain_records_per_hour"] is None:
        return f"{arrival}; how fast a load is, is not known yet"
    drain = f"a load takes in {backlog['drain_records_per_hour']:,.0f} an hour"
    return f"{arrival}, {drain}: `romi run` clears it in about {span(backlog['seconds_to_clear'])}"
