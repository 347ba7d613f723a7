"""`romi status`, as tables and lines for people."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rich.markup import escape
from rich.table import Table

from ingestion import notes
from operations.incidents import unused
from operations.service_levels import budget_words
from orchestration.cli.console import console, span
from orchestration.cli.show_backlog import backlog_lines
from orchestration.cli.show_backup import backup_lines
from orchestration.cli.show_standing import standing_lines
from quality import named, set_aside

_FIELDS = 3  # of a kind that a line names


def print_status(overview: dict[str, Any]) -> None:
    """The books, regions and service levels as tables, and a line for everything else."""
    out = console()
    out.print(books_table(overview))
    out.print(_regions_table(overview["regions"]))
    out.print(_levels_table(overview))
    for line in [
        *missing_lines(overview),
        *backlog_lines(overview["regions"]),
        *unused_lines(overview["regions"]),
        *refused_lines(overview["regions"]),
        *field_lines(overview["regions"]),
        *[f"file {region}: {line}" for region, one in overview["regions"].items() for line in one.get("files", [])],
        *note_lines(overview["regions"]),
        *set_aside_lines(overview["regions"]),
        *unusual_lines(overview["regions"]),
        *(line for name, one in overview["regions"].items() for line in named.lines(name, one.get("named") or [])),
    ]:
        out.print(escape(line))
    for line in overview["open_erasures"]:
        out.print(escape(f"open erasure {line}"))
    out.print(encryption_line(overview["regions"]))
    out.print(escape(published_line(overview["published"])))
    for line in [*backup_lines(overview["backup"]), *standing_lines(overview)]:
        out.print(escape(line))
    for name, one in overview["regions"].items():
        out.print(escape(f"can {name}'s numbers of yesterday ({one['yesterday']['date']}) be used? "), end="")
        out.print(escape(one["yesterday"]["answer"]))


def missing_lines(overview: dict[str, Any]) -> list[str]:
    """A line for whatever is missing, with the command that mends it, and for what was given up."""
    return [
        *[f"missing: {one['what']}; {one['mend']}" for one in overview.get("missing", ())],
        *[f"region {region} is not shown: its snapshot is missing or damaged; `romi run` writes it anew"
          for region in overview.get("not_shown", ())],
        *[f"given up on {one['accepted_at'][:10]} by {one['accepted_by']}: {one['what']} ({one['records']:,} records,"
          f" {one['orders']:,} orders worth {Decimal(one['revenue']):,.2f})" for one in overview.get("losses", ())],
    ]  # fmt: skip


def unused_lines(regions: dict[str, Any]) -> list[str]:
    """A line for each kind of what a region's landing zone lacks, or lost again."""
    return [
        f"{region}: {line}" for region, one in regions.items()
        for line in (*unused.lines(one["backlog"]), *unused.vanished_lines(one["backlog"]))
    ]  # fmt: skip


def is_sound(overview: dict[str, Any]) -> bool:
    """Whether nothing is missing, and no archive is corrupt."""
    is_corrupt = any(kind.get("corrupt") for one in overview["regions"].values() for kind in one["archives"].values())
    return not (overview["missing"] or overview["not_shown"] or is_corrupt)


def published_line(published: dict[str, Any]) -> str:
    """Which version readers see, and whether that is held."""
    line = f"version {published['version']} at {published['path']}" if published["version"] else "nothing yet"
    pinned = published["pinned"]
    held = f"; version {pinned} is pinned: nothing is published until `romi publish unpin`" if pinned else ""
    return f"published: {line}{held}"


def _regions_table(regions: dict[str, Any]) -> Table:
    """How each region stands, a row each."""
    table = Table(title="Regions", title_justify="left")
    table.add_column("region")
    for name in ("archives", "corrupt", "backlog", "oldest", "to clear", "pending windows", "withheld days", "accuracy",
                 "event match"):  # fmt: skip
        table.add_column(name, justify="right")
    for name, one in regions.items():
        states, slo = one["archives"].values(), one["slo"]
        oldest = one["backlog"]["oldest_age_seconds"]
        table.add_row(
            name,
            str(sum(kind.get("loaded", 0) for kind in states)),
            str(sum(kind.get("corrupt", 0) for kind in states)),
            "?" if one["backlog"]["archives"] is None else str(one["backlog"]["archives"]),
            span(oldest),
            span(one["backlog"].get("seconds_to_clear") or None),
            str(len(one["pending"])),
            str(len(one["withheld"])),
            _percent(slo.get("accuracy")),
            _percent(slo.get("event_match_rate")),
        )
    return table


def _levels_table(overview: dict[str, Any]) -> Table:
    """Each service level as of its last day; of a region's marts the one that is furthest behind."""
    table = Table(title="Service levels", title_justify="left")
    for name in ("region", "service level", "achieved", "objective", "budget left", "alert"):
        table.add_column(name, justify="left" if name in ("region", "service level") else "right")
    for region, levels in ({"": overview["slo"]} | {n: one["slo"] for n, one in overview["regions"].items()}).items():
        for name, level in level_rows(levels):
            form = "{:.3%}" if level["unit"] == "share" else f"{{:,.1f}} {level['unit']}"
            is_met = level["is_met"] and not level["alert"]
            achieved = form.format(level["achieved"])
            cells = (achieved if is_met else f"[red]{achieved}[/red]", form.format(level["objective"]))
            table.add_row(
                region or "all", name, *cells, budget_words.cell(level["error_budget_left"]), level["alert"] or ""
            )  # fmt: skip
    return table


def level_rows(levels: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The levels to show: one line for all marts' freshness, that of the mart that is worst off."""
    marts = {name: level for name, level in levels.items() if name.startswith("freshness_hours.")}
    rows = [(name, level) for name, level in levels.items() if name not in marts and "unit" in level]
    if marts:
        worst = max(marts, key=lambda name: marts[name]["achieved"])
        rows.append(
            ("freshness_hours" if len({one["achieved"] for one in marts.values()}) == 1 else worst, marts[worst])
        )
    return rows


def unusual_lines(regions: dict[str, Any]) -> list[str]:
    """A line for each region and day of the last week that differs from the same weekdays before."""
    return [
        f"unusual {region} {day}: {'; '.join(found[:_FIELDS])}"
        + (f" and {len(found) - _FIELDS} more" if len(found) > _FIELDS else "")
        for region, one in regions.items() for day, found in (one.get("unusual") or {}).items()
    ]  # fmt: skip


def encryption_line(regions: dict[str, Any]) -> str:
    """Whether the regions' files are encrypted at rest."""
    plain = [name for name, one in regions.items() if not one["is_encrypted"]]
    if not plain:
        return "encryption at rest: on"
    return "encryption at rest: off" + ("" if len(plain) == len(regions) else f" in {', '.join(plain)}")


def refused_lines(regions: dict[str, Any]) -> list[str]:
    """A line for each region and kind of file with rows that could not be loaded."""
    return [
        f"refused rows {region}: {sum(refused.values()):,} of {books['read']:,} of {kind} ("
        + ", ".join(f"{reason} {count:,}" for reason, count in refused.items()) + ")"
        for region, one in regions.items()
        for kind, books in one.get("tables", {}).items() if (refused := books["dead_letter"])
    ]  # fmt: skip


def field_lines(regions: dict[str, Any]) -> list[str]:
    """A line for each region whose events have new fields, or fields that make dead letters; the largest first."""
    lines = []
    for region, one in regions.items():
        found = one.get("fields") or {"broken": [], "new": []}
        parts = [
            f"{field['field']} ({field['topic']}: {field['reason']} in {field['share']:.2%})"
            for field in found["broken"][:_FIELDS]
        ] + [f"new: {field['field']} ({field['topic']}: in {field['share']:.2%})" for field in found["new"][:_FIELDS]]
        more = sum(max(0, len(listed) - _FIELDS) for listed in found.values())
        if parts:
            lines.append(f"fields {region}: {', '.join(parts)}" + (f" and {more} more" if more else ""))
    return lines


def note_lines(regions: dict[str, Any]) -> list[str]:
    """A line for each region and field with values that were used, though not as they came."""
    return [f"noted {region}: {line}" for region, one in regions.items() for line in notes.lines(one.get("notes", []))]


def set_aside_lines(regions: dict[str, Any]) -> list[str]:
    """A line for each region and reason for which orders are left out of the figures."""
    return [
        f"left out {region}: {line}"
        for region, one in regions.items() for line in set_aside.lines(one.get("set_aside", []))
    ]  # fmt: skip


def books_table(overview: dict[str, Any]) -> Table:
    """Records by fate, a column a region."""
    table = Table(title="Records by fate", title_justify="left")
    table.add_column("fate")
    names = list(overview["regions"])
    for name in [*names, "all"]:
        table.add_column(name, justify="right")
    books = [overview["regions"][name]["records"] for name in names] + [overview["records"]]
    for fate in [key for key in overview["records"] if key not in ("read", "dead_letter")]:
        table.add_row(fate, *[f"{one[fate]:,}" for one in books])
    for reason in overview["records"]["dead_letter"]:
        table.add_row(f"dead_letter: {reason}", *[f"{one['dead_letter'].get(reason, 0):,}" for one in books])
    table.add_section()
    table.add_row("read", *[f"{one['read']:,}" for one in books])
    return table


def _percent(slo: dict[str, Any] | None) -> str:
    return f"{slo['achieved']:.3%}" if slo else "-"
