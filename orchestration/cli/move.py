"""`romi move`: another engine builds the models, once it has been seen to build the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from orchestration.cli.console import printable, wait_teller
from settings import Settings, load_settings


@click.option("--to", type=click.Choice(["duckdb", "spark"]), required=True, help="What is to build the models.")
def move(config: Path | None, warehouse: Path | None, as_json: bool, to: str) -> int:
    """Have another engine build the models, once it has built every table the same.

    All days at hand are built anew in two copies beside the warehouse, one by each engine, and compared row by row,
    both ways. Where every table is equal, `engine:` in the configuration is replaced; otherwise the differences are
    listed, nothing changes, and it exits with 1. The warehouse itself stays as it is: books, tombstones, steps,
    releases and closed months are the same on either engine. If it is killed, nothing has changed; run it again.
    """
    from operations import moving

    settings = load_settings(config, warehouse=warehouse)
    done = moving.move(settings, config or Path("romi.yaml"), to, _rebuild_all, wait_teller(as_json))
    if as_json:
        click.echo(json.dumps({**asdict(done), "is_switched": done.is_switched, "exit_code": done.exit_code}))
        return done.exit_code
    if done.is_proven and not done.is_switched:
        click.echo(f"{to} builds the models already: nothing to do")
    elif done.is_switched:
        click.echo(f"{to} builds the models from now on: {done.rows:,} rows of {done.tables} tables came out the same")
    else:
        click.echo(f"{done.before} goes on building the models: {to} was not seen to build the same")
    for line in [*done.failures, *done.differences]:
        click.echo(printable(f"  {line}"))
    return done.exit_code


def _rebuild_all(settings: Settings, config: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
    from orchestration import pipeline

    try:
        outcome = pipeline.backfill(settings, config, date.min, date.max, None)
    except pipeline.NothingThereError:  # retention has closed every day: what there is stands on either engine
        return [], {}
    return outcome.failures, outcome.withheld
