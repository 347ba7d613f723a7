"""`romi recover`: what a backlog or an outage needs, in which order, how long it will take; then do it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli.console import span
from orchestration.cli.run import log_option, shown
from settings import load_settings

if TYPE_CHECKING:
    from operations.recovery.planned import Recovery
    from operations.store.locks import OnWait
    from orchestration.outcome import Outcome


@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--landing", metavar="DIR", help="The landing zone; default: the configuration's.")
@log_option
def recover(
    config: Path | None, warehouse: Path | None, as_json: bool, only_plan: bool, landing: str | None, log_json: bool
) -> int:  # fmt: skip
    """Work off a backlog: money before behaviour; the newest days are corrected and published before older ones.

    It ends with the same tables as `romi run`. If it is killed, run it again and it goes on where it stopped.
    """
    from ingestion.landing import regions
    from operations.recovery.planned import plan_recovery
    from operations.store.locks import check_warehouse

    settings = load_settings(config, warehouse=warehouse, landing=landing)
    check_warehouse(settings)
    regions(settings)  # what is wrong with the landing zone is told before anything heavy is imported
    plan = plan_recovery(settings)
    if only_plan:
        print_plan(plan, as_json)
        return 0
    if not as_json:
        print_plan(plan, as_json)

    def work(_: object, on_wait: OnWait) -> Outcome:
        from orchestration import recovery

        return recovery.recover(settings, config, on_wait)

    return shown(settings, as_json, work, log_json=log_json)


def print_plan(plan: Recovery, as_json: bool) -> None:
    """The plan for people, or as one object."""
    if as_json:
        click.echo(json.dumps({**asdict(plan), "exit_code": 0}, indent=1))
        return
    for line in plan.first:
        click.echo(f"first, by you: {line}")
    for region, one in plan.regions.items():
        for lost in one["known_loss"]:
            click.echo(f"{region}: {lost['records']:,} records of {lost['topic']} never landed: ask upstream for them")
        for name in one["corrupt"]:
            click.echo(f"{region}: {name} is corrupt: ask upstream for it, or give the region a replica")
    for number, step in enumerate(plan.steps, 1):
        place = f"{step.region}: " if step.region else ""
        click.echo(f"{number}. {step.what} {place}{step.detail} ({span(round(step.seconds))},"
                   f" done in {span(round(step.done_in))})")  # fmt: skip
    if not plan.steps:
        click.echo("nothing to recover: nothing waits, and no day is to be rebuilt")
