"""What the command line prints: tables for people, or one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from operations.store.versions import current_version
from orchestration.cli.console import console
from orchestration.cli.show_status import is_sound, print_status
from settings import Settings

if TYPE_CHECKING:
    from operations.store.versions import VersionInfo
    from orchestration.outcome import Outcome


def outcome(settings: Settings, result: Outcome, as_json: bool) -> None:
    """The end of `romi run` or `backfill`: what was rebuilt and published, what failed, what is withheld and why."""
    if as_json:
        return _json({
            "run_id": result.run_id, "regions": result.regions, "rebuilt_days": result.rebuilt_days,
            "version": result.version, "published": str(settings.published),
            "failures": result.failures, "withheld": result.withheld,
            "pinned": result.pinned, "keys_made": result.keys_made, "warnings": result.warnings,
            "migrated": result.migrated, "notes": result.notes, "incidents": result.incidents,
            "exit_code": result.exit_code,
        })  # fmt: skip
    out = console()
    if result.keys_made:
        out.print(f"keys made at {escape(result.keys_made)}: keep that file, and keep it apart from the warehouse")
    for line in result.migrated:
        out.print(f"migrated {escape(line)}")
    for line in result.failures:
        out.print(f"[red]failed[/red] {escape(line)}")
    for region, days in result.withheld.items():
        for day, reason in list(days.items())[:10]:
            out.print(f"[yellow]withheld[/yellow] {region} {day}: {escape(reason)}")
        if len(days) > 10:
            out.print(f"[yellow]withheld[/yellow] {region}: {len(days) - 10} days more; see `romi status`")
    for line in result.warnings:
        out.print(f"[yellow]warning[/yellow] {escape(line)}")
    for line in result.notes:
        out.print(escape(line))
    for line in result.incidents:
        out.print(f"[yellow]{escape(line)}[/yellow]" if "opened" in line else escape(line))
    _print_published(settings, result)
    return None


def _print_published(settings: Settings, result: Outcome) -> None:
    out = console()
    if result.version:
        out.print(f"published version {result.version} ({result.rebuilt_days} region-days rebuilt)")
        for line in _hints(settings):
            out.print(escape(line))
    elif result.pinned:
        out.print(f"version {result.pinned} is pinned, so nothing is published until `romi publish unpin`")
    elif not result.failures and not current_version(settings):
        named = ", ".join(result.regions)
        out.print(f"nothing is published yet: the landing zone {settings.landing} holds nothing to load for {named}")
    elif not result.failures:
        rebuilt = f" ({result.rebuilt_days} region-days rebuilt)" if result.rebuilt_days else ""
        out.print(f"nothing new: the published version stays as it is{rebuilt}")


def _hints(settings: Settings) -> list[str]:
    """Why the first tables of a trial show little but (other)."""
    from operations.status import snapshots
    from quality import named

    k = settings.privacy.k_anonymity
    return [line for one in snapshots(settings) for line in named.hints(one["region"], one.get("named") or [], k)]


def status(overview: dict[str, Any], as_json: bool) -> int:
    """`romi status`; returns its exit code: 1 where something is missing or corrupt."""
    if as_json:
        _json(overview)
    else:
        print_status(overview)
    return int(not is_sound(overview))


def versions(found: list[VersionInfo], pinned: int | None, as_json: bool) -> None:
    """`romi publish list`, newest first; a `pinned` one keeps runs from publishing, and may be gone."""
    newest = sorted(found, key=lambda one: one.id, reverse=True)
    if as_json:
        listed = [{**asdict(one), "is_pinned": one.id == pinned} for one in newest]
        return _json({"versions": listed, "pinned": pinned})
    table = Table(title="Published versions", title_justify="left")
    for name in ("version", "built at (UTC)", "", "input watermark by region", "withheld days"):
        table.add_column(name)
    for one in newest:
        marks = [f"{name} {state.input_watermark or '-'}" for name, state in one.regions.items()]
        withheld = sum(len(state.withheld_days) for state in one.regions.values())
        table.add_row(
            str(one.id),
            f"{one.built_at:%Y-%m-%d %H:%M:%S}",
            ", ".join(["current"] * one.is_current + ["pinned"] * (one.id == pinned)),
            "\n".join(marks),
            str(withheld),
        )
    console().print(table if newest else "nothing published yet")
    if pinned:
        console().print(f"version {pinned} is pinned: nothing is published until `romi publish unpin`")
    return None


def _json(value: Any) -> None:
    print(json.dumps(value, indent=1, default=str))
