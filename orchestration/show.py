"""What the command line prints: tables for people, or one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.show_backup import backup_lines
from settings import Settings

if TYPE_CHECKING:
    from operations.versions import VersionInfo
    from orchestration.pipeline import Outcome

_out = Console(highlight=False, soft_wrap=True)
_FIELDS = 3  # of a kind that a line names


def outcome(settings: Settings, result: Outcome, as_json: bool) -> None:
    """The end of `romi run` or `backfill`: what was rebuilt and published, what failed, what is withheld and why."""
    if as_json:
        return _json({
            "regions": result.regions, "rebuilt_days": result.rebuilt_days, "version": result.version,
            "published": str(settings.published), "failures": result.failures, "withheld": result.withheld,
            "pinned": result.pinned, "keys_made": result.keys_made, "exit_code": result.exit_code,
        })  # fmt: skip
    if result.keys_made:
        _out.print(f"keys made at {escape(result.keys_made)}: keep that file, and keep it apart from the warehouse")
    for line in result.failures:
        _out.print(f"[red]failed[/red] {escape(line)}")
    for region, days in result.withheld.items():
        for day, reason in list(days.items())[:10]:
            _out.print(f"[yellow]withheld[/yellow] {region} {day}: {escape(reason)}")
        if len(days) > 10:
            _out.print(f"[yellow]withheld[/yellow] {region}: {len(days) - 10} days more; see `romi status`")
    if result.version:
        _out.print(f"published version {result.version} ({result.rebuilt_days} region-days rebuilt)")
    elif result.pinned:
        _out.print(f"version {result.pinned} is pinned, so nothing is published until `romi publish unpin`")
    elif not result.failures:
        rebuilt = f" ({result.rebuilt_days} region-days rebuilt)" if result.rebuilt_days else ""
        _out.print(f"nothing new: the published version stays as it is{rebuilt}")
    return None


def status(overview: dict[str, Any], as_json: bool) -> None:
    """`romi status`."""
    if as_json:
        return _json(overview)
    _out.print(books_table(overview))
    _out.print(_regions_table(overview["regions"]))
    _out.print(_levels_table(overview))
    for line in [*field_lines(overview["regions"]), *unusual_lines(overview["regions"])]:
        _out.print(escape(line))
    _out.print(encryption_line(overview["regions"]))
    published = overview["published"]
    _out.print(
        f"published: version {published['version']} at {published['path']}"
        if published["version"]
        else "published: nothing yet"
    )
    for line in backup_lines(overview["backup"]):
        _out.print(escape(line))
    for name, one in overview["regions"].items():
        _out.print(escape(f"can {name}'s numbers of yesterday ({one['yesterday']['date']}) be used? "), end="")
        _out.print(escape(one["yesterday"]["answer"]))
    return None


def _regions_table(regions: dict[str, Any]) -> Table:
    """How each region stands, a row each."""
    table = Table(title="Regions", title_justify="left")
    table.add_column("region")
    for name in ("archives", "corrupt", "backlog", "oldest", "pending windows", "withheld days", "accuracy",
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
            "-" if oldest is None else f"{oldest // 3600} h {oldest % 3600 // 60} min",
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
                region or "all", name, *cells, f"{level['error_budget_left']:.0%}", level["alert"] or ""
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


def demo_summary(settings: Settings) -> None:
    """The end of `romi demo`: ROMI by channel, the books, accuracy, and how to open what was published."""
    from operations import status as warehouse_status

    overview = warehouse_status.overview(settings)
    marts = settings.published / "marts.duckdb"
    if not marts.exists():
        return
    currency = settings.reporting_currency
    table = Table(title=f"ROMI by channel, all regions and months, model: linear ({currency})", title_justify="left")
    for name in ("channel", "spend", "net revenue", "margin", "ROAS", "ROMI"):
        table.add_column(name, justify="left" if name == "channel" else "right")
    with duckdb.connect(str(marts.resolve()), read_only=True) as con:
        rows = con.execute("""
            select channel, sum(spend), sum(net_revenue), sum(margin) from finance.romi_monthly
            where attribution_model = 'linear' group by channel order by 3 desc, 1""").fetchall()
    for channel, spend, net, margin in rows:
        roas, romi = (f"{net / spend:.2f}", f"{(margin - spend) / spend:+.0%}") if spend else ("", "")
        table.add_row(channel, f"{spend:,.2f}", f"{net:,.2f}", f"{margin:,.2f}", roas, romi)
    _out.print(table)
    _out.print(books_table(overview))
    for name, one in overview["regions"].items():
        accuracy = one["slo"].get("accuracy")
        if accuracy:
            share, orders, objective = (accuracy[key] for key in ("achieved", "orders", "objective"))
            _out.print(f"accuracy {name}: {share:.3%} of {orders:,} ledger orders (SLO {objective:.1%})")
    _out.print(f"\npublished: {marts}")
    _out.print(f"open it in any DuckDB:  ATTACH '{marts}' AS romi (READ_ONLY); FROM romi.finance.romi_daily LIMIT 20;")


def versions(found: list[VersionInfo], as_json: bool) -> None:
    """`romi publish list`, newest first."""
    newest = sorted(found, key=lambda one: one.id, reverse=True)
    if as_json:
        return _json({"versions": [asdict(one) for one in newest]})
    table = Table(title="Published versions", title_justify="left")
    for name in ("version", "built at (UTC)", "", "input watermark by region", "withheld days"):
        table.add_column(name)
    for one in newest:
        marks = [f"{name} {state.input_watermark or '-'}" for name, state in one.regions.items()]
        withheld = sum(len(state.withheld_days) for state in one.regions.values())
        table.add_row(
            str(one.id),
            f"{one.built_at:%Y-%m-%d %H:%M:%S}",
            "current" if one.is_current else "",
            "\n".join(marks),
            str(withheld),
        )
    _out.print(table if newest else "nothing published yet")
    return None


def _percent(slo: dict[str, Any] | None) -> str:
    return f"{slo['achieved']:.3%}" if slo else "-"


def _json(value: Any) -> None:
    print(json.dumps(value, indent=1, default=str))
