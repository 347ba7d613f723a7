"""The line of `romi status` about backups."""

from __future__ import annotations

from typing import Any

from orchestration.cli.console import span


def backup_lines(found: dict[str, Any]) -> list[str]:
    """What would be lost now, how long it would take to be back, and what is wrong with that."""
    if not found["last"]:
        lines = ["backup: none that was restored on trial; `romi backup`"]
    else:
        lost, back = span(found["recovery_point_seconds"]), found["recovery_time_seconds"]
        lines = [f"backup: of {found['last'][:16]} UTC (recovery point {lost} ago, recovery time {back:.1f} s)"]
    if found["is_due"]:
        lines.append(f"backup: due, every {found['every_hours']} h")
    if found["problem"]:
        lines.append(f"backup: the last one failed: {found['problem']}")
    return lines
