"""`romi files` and `romi check`: what each landed file gave, and what one would give."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from orchestration.cli.console import console
from orchestration.cli.run import shown, write_config
from settings import Settings, UsageError, load_settings

_GONE = ", gone from the landing zone"
_region = click.option("--region", metavar="R", help="One region; default: all.")


@click.option("--kind", type=click.Choice(["spend", "ledger", "fx", "events"]), help="One kind of file.")
@_region
def list_files(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, kind: str | None
) -> None:
    """List every file that was read: its state, how many rows it gave, how many were refused."""
    from operations.landed_files.listing import list_files as found_files

    found = found_files(_settings(config, warehouse), region, kind)
    if as_json:
        return print(json.dumps({"files": found}, indent=1, default=str))
    table = Table(title="Files", title_justify="left")
    for name in ("region", "file", "state", "rows", "loaded", "refused"):
        table.add_column(name, justify="left" if name in ("region", "file", "state") else "right", overflow="fold")
    for one in found:
        counts = [f"{one[name]:,}" for name in ("records", "loaded", "refused")]
        table.add_row(one["region"], escape(one["name"]), one["state"] + _GONE * one["is_gone"], *counts)
    console().print(table if found else "no file was read yet")
    return None


@click.argument("name")
@_region
def show_file(config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, name: str) -> None:
    """Show one file: what it gave, which rows were refused and why, and each of its deliveries."""
    from operations.landed_files.listing import show_file as found_file

    one = found_file(_settings(config, warehouse), region, name)
    if as_json:
        return print(json.dumps(one, indent=1, default=str))
    out = console()
    out.print(escape(f"{one['region']}: {one['name']}{_GONE * one['is_gone']}"))
    for delivery in one["deliveries"]:
        problem = f": {delivery['problem']}" if delivery["problem"] else ""
        out.print(
            escape(
                f"  {delivery['loaded_at']:%Y-%m-%d %H:%M} {delivery['state']}, {delivery['records']:,} rows{problem}"
            )
        )
    for fate in one["fates"]:
        out.print(escape(f"  {fate['records']:,} {fate['fate']} {fate['reason']}".rstrip()))
    for row in one["refused"]:
        out.print(escape(f"  line {row['line']}, column {row['column']}: {row['reason']}, {row['expected']}"))
    for noted in one["notes"]:
        out.print(escape(f"  {noted['records']:,} {noted['note']} {noted['column']}".rstrip()))
    return None


@click.argument("name")
@_region
def forget_file(config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, name: str) -> int:
    """Remove a file's rows, book the removal, and rebuild their days. The file stays out unless it changes."""
    from operations.landed_files.forget import forget
    from operations.store.locks import exclusive

    settings = _settings(config, warehouse)
    with exclusive(settings):
        done = forget(settings, region, name)
    if not as_json:
        click.echo(f"{done.region}: {done.rows:,} rows of {done.name} are out")
    if not done.days:
        if as_json:
            print(json.dumps({"region": done.region, "name": done.name, "rows": done.rows, "rebuilt_days": 0}))
        return 0
    first, last = min(day for day, _ in done.days), max(day for _, day in done.days)
    return shown(
        settings, as_json, lambda pipeline, wait: pipeline.backfill(settings, config, first, last, done.region, wait)
    )


@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "source", metavar="SOURCE", help="ledger or spend/<platform>; default: what its folders say.")
@_region
def check_file(
    config: Path | None, warehouse: Path | None, as_json: bool, file: Path, source: str | None, region: str | None
) -> int:
    """Read a table without loading it, and show what was understood: preset, columns, rows, totals, refusals."""
    from operations.landed_files.check import check

    found = check(load_settings(config, warehouse=warehouse), file, source, region)
    if as_json:
        print(json.dumps(found, indent=1, default=str))
        return 0 if not found["refused"] else 3
    out = console()
    out.print(escape(f"{file}: read as {found['source']} by preset {found['preset']} ({found['tool']})"))
    for ours, theirs in found["columns"].items():
        out.print(escape(f"  {ours} = {theirs}"))
    table = Table(title="First rows as they would be loaded", title_justify="left")
    for name in found["rows"][0] if found["rows"] else []:
        table.add_column(name, overflow="fold")
    for row in found["rows"]:
        table.add_row(*[escape("" if cell is None else str(cell)) for cell in row.values()])
    out.print(table if found["rows"] else "no row would be loaded")
    for total in found["totals"]:
        rows = f"{total['rows']:,} row{'s' * (total['rows'] != 1)}"
        out.print(escape(f"  {total['day']} {total['currency']} {total['amount']} in {rows}"))
    out.print(escape(", ".join(f"{count:,} {what}" for what, count in found["counts"].items())))
    for row in found["refused"]:
        out.print(escape(f"  line {row['line']}, column {row['column']}: {row['reason']}, {row['expected']}"))
    if any(row["reason"] == "unknown_status" for row in found["refused"]):
        out.print(escape(f"  words known for a status: {', '.join(found['status_words'])}"))
    for sheet in found["unread_sheets"]:
        out.print(escape(f"  the sheet {sheet!r} has such a table, too, and is not read"))
    return 0 if not found["refused"] else 3


@click.option("--landing", metavar="DIR", help="The landing zone, a folder or s3://bucket/prefix; default ./landing.")
def write_first_config(config: Path | None, warehouse: Path | None, as_json: bool, landing: str | None) -> None:
    """Look at a landing zone and write a commented romi.yaml: exports recognised, currency, what remains unknown."""
    from operations.landed_files.first_config import first_config

    path = config or Path("romi.yaml")
    if path.exists():
        raise UsageError(f"{path} is there already; move it away, or name another with --config")
    given = {"landing": landing, "warehouse": warehouse}
    text = first_config(Settings(**{name: value for name, value in given.items() if value is not None}))
    write_config(path, text)
    if as_json:
        print(json.dumps({"config": str(path)}))
    else:
        click.echo(text)
        click.echo(f"written to {path}; review it, then `romi run`")


def _settings(config: Path | None, warehouse: Path | None) -> Settings:
    from operations.store.locks import check_warehouse

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    return settings
