"""`romi files reread`: read again what was read under settings that have changed since."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli.console import wait_teller
from settings import load_settings

if TYPE_CHECKING:
    from ingestion.reread import Reread


@click.argument("name", required=False, metavar="[FILE]")
@click.option("--region", metavar="R", help="This region only.")
@click.option("--landing", metavar="DIR", help="The landing zone; default: the configuration's.")
def reread_files(
    config: Path | None,
    warehouse: Path | None,
    as_json: bool,
    name: str | None,
    region: str | None,
    landing: str | None,
) -> int:
    """Read files again under today's settings, exactly once; without FILE, all that were read under other settings.

    FILE is a name as `romi files list` shows it. `romi run` rebuilds and publishes the days that they speak of.
    """
    from operations.landed_files.reread import reread_regions

    settings = load_settings(config, warehouse=warehouse, landing=landing)
    outcome = reread_regions(settings, region, name, wait_teller(as_json))
    if as_json:
        found = {one: asdict(done) for one, done in outcome.regions.items()}
        click.echo(json.dumps({"regions": found, "pending_days": outcome.pending_days, "failures": outcome.failures,
                               "exit_code": outcome.exit_code}, indent=1))  # fmt: skip
        return outcome.exit_code
    for one, done in outcome.regions.items():
        for line in _lines(done):
            click.echo(f"{one}: {line}")
        if days := outcome.pending_days.get(one):
            click.echo(f"{one}: {days:,} days wait for their rebuild: `romi run`")
    for one, failure in outcome.failures.items():
        click.echo(f"{one}: failed: {failure}", err=True)
    return outcome.exit_code


def _lines(done: Reread) -> list[str]:
    went = ", ".join(f"{records:,} {fate}" for fate, records in done.fates.items())
    lines = [f"{done.files:,} files read again, {done.records:,} records: {went}"] if done.files else []
    if done.gone:
        lines.append(
            f"{len(done.gone):,} files are not in the landing zone as they were read, the first {done.gone[0]}; of them"
            f" only dead letters could be read again: {done.replayed:,} records"
        )
    if done.past_retention:
        lines.append(
            f"{len(done.past_retention):,} files left as they are, the first {done.past_retention[0]}: some of their"
            " records are past retention.raw_days"
        )
    lines += [f"{name} left: {problem}" for name, problem in done.problems.items()]
    return lines or ["nothing was read under other settings"]
