"""What the command line prints: progress for people at a terminal, tables, or one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from operations.progress import Step, listening
from orchestration.show_backup import backup_lines
from settings import Settings

if TYPE_CHECKING:
    from operations.versions import VersionInfo
    from orchestration.pipeline import Outcome

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False)
_FIELDS = 3  # of a kind that a line names


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[], None]]:
    """Show each :class:`Step` that work reports; yields what to call when another run has to be waited for."""
    wait = "another run holds the warehouse; waiting for it"
    if quiet or not _err.is_terminal:
        with listening(_plain(quiet)):
            yield lambda: None if quiet else print(wait, file=sys.stderr, flush=True)
        return
    with _bars() as bars:
        tasks: dict[str, Any] = {}

        def show(step: Step) -> None:
            if step.name not in tasks:
                for task in tasks.values():
                    bars.stop_task(task)
                tasks[step.name] = bars.add_task(step.name, total=step.total or None, detail=step.detail)
            bars.update(tasks[step.name], completed=step.done, total=step.total or None, detail=step.detail)

        show(Step("start Dagster and dbt"))
        with listening(show):
            yield lambda: _err.print(wait)


def _bars() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"), TimeElapsedColumn(), console=_err,
    )  # fmt: skip


def _plain(quiet: bool) -> Callable[[Step], None]:
    """One line a step, when it begins and ends; nothing if quiet."""
    seen: set[str] = set()

    def show(step: Step) -> None:
        is_last = step.total and step.done == step.total
        if not quiet and (step.name not in seen or is_last):
            seen.add(step.name)
            print(f"{step.name} {step.detail}".rstrip(), file=sys.stderr, flush=True)

    return show


@contextmanager
def sample_progress(quiet: bool, total: int) -> Iterator[Callable[[int], None]]:
    """Progress of making the sample, in records."""
    if quiet or not _err.is_terminal:
        yield lambda _: None
        return
    with _bars() as bars:
        task = bars.add_task("sample landing zone", total=total, detail="records")
        yield lambda done: bars.update(task, completed=min(done, total))
        bars.update(task, completed=total)


def outcome(settings: Settings, result: Outcome, as_json: bool) -> None:
    """The end of `romi run`: what was rebuilt and published, what failed, what is withheld and why."""
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
        _out.print("nothing new: the published version stays as it is")
    return None


def status(overview: dict[str, Any], as_json: bool) -> None:
    """`romi status`."""
    if as_json:
        return _json(overview)
    _out.print(books_table(overview))
    table = Table(title="Regions", title_justify="left")
    for name in (
        "region",
        "archives",
        "corrupt",
        "backlog",
        "oldest",
        "pending windows",
        "withheld days",
        "accuracy",
        "event match",
    ):
        table.add_column(name, justify="left" if name == "region" else "right")
    for name, one in overview["regions"].items():
        states = one["archives"].values()
        slo = one["slo"]
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
    _out.print(table)
    for line in field_lines(overview["regions"]):
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
    return None


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
