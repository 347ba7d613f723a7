"""`romi quarantine`: set accepted orders or records aside, see what is, and take it back."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import click

from orchestration.cli.console import printable, wait_teller
from settings import load_settings


def _place(function: Any) -> Any:
    for option in (
        click.option(
            "--by", default=getpass.getuser, show_default="your account", help="Who decides it, for the books."
        ),
        click.option("--reason", required=True, help="Why, for the books."),
        click.option("--offset", type=click.IntRange(min=0), help="The record's place in the archive, from 0."),
        click.option("--archive", help="The archive of a record, by its name in the books."),
        click.option("--order", help="The order's id."),
        click.option("--region", metavar="R", help="The region; needed where there are several."),
    ):
        function = option(function)
    return function


@_place
def add(config: Path | None, warehouse: Path | None, as_json: bool, **options: Any) -> None:
    """Leave an accepted order, or a record of events, out of all figures. `romi run` rebuilds its days."""
    from operations import quarantine

    _change(quarantine.add, config, warehouse, as_json, "set aside", **options)


@_place
def release(config: Path | None, warehouse: Path | None, as_json: bool, **options: Any) -> None:
    """Take an order or record back, whether it was set aside by hand or as implausible. `romi run` publishes it."""
    from operations import quarantine

    _change(quarantine.release, config, warehouse, as_json, "released", **options)


def _change(
    change: Any, config: Path | None, warehouse: Path | None, as_json: bool, what: str, *, region: str | None,
    order: str | None, archive: str | None, offset: int | None, reason: str, by: str,
) -> None:  # fmt: skip
    from operations.quarantine import Place

    settings = load_settings(config, warehouse=warehouse)
    done = change(settings, region, Place(order, archive, offset), reason, by, wait_teller(as_json))
    days = f"{done.pending_days} region-days wait to be rebuilt: `romi run` publishes them"
    told = {"region": done.region, "pending_days": done.pending_days}
    click.echo(json.dumps(told) if as_json else f"{done.region}: {what}; {days}")


@click.option("--all", "released", is_flag=True, help="Include what was released.")
@click.option("--region", metavar="R", help="This region only.")
def list_quarantine(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, released: bool
) -> None:  # fmt: skip
    """List what is set aside: which order or record, since when, by whom, why, and what it is worth."""
    from operations import quarantine

    found = quarantine.listed(load_settings(config, warehouse=warehouse), region, released=released)
    if as_json:
        return click.echo(json.dumps({"set_aside": found}, indent=1, default=str))
    for one in found:
        click.echo(printable(_line(one)))
    return None if found else click.echo("nothing is set aside")


def _line(one: dict[str, Any]) -> str:
    from quality.set_aside import worth

    what = f"order {one['order_id']}" if one["order_id"] is not None else f"{one['archive']}#{one['record_offset']}"
    line = f"{one['region']}: {what}, since {str(one['set_aside_at'])[:16]} by {one['set_aside_by']}: {one['reason']}"
    if one["currency"]:
        line += f", {worth(one)}"
    if one["released_at"]:
        line += f"; released {str(one['released_at'])[:16]} by {one['released_by']}: {one['released_for']}"
    return line
