"""`romi plan`: what would change in what is published, before it is published."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from orchestration.cli.close import run_quietly
from orchestration.cli.console import printable, wait_teller
from settings import load_settings


@click.option("--landing", metavar="DIR", help="The landing zone; default: the configuration's.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a comment on a pull request.")
def plan(config: Path | None, warehouse: Path | None, as_json: bool, landing: str | None, markdown: bool) -> int:
    """Show what the current configuration, models and files would change in what is published.

    It makes the next run in a throwaway copy beside the warehouse, which itself stays as it is, and reports what would
    change, in cents by table, month, region, channel and model, with the reason. These are the rows that the run itself
    then enters in finance.restatements.
    """
    from operations import plan_in_words, planned

    settings = load_settings(config, warehouse=warehouse, landing=landing)
    found = planned.plan(settings, run_quietly, wait_teller(as_json or markdown))
    if as_json:
        click.echo(json.dumps({**asdict(found), "exit_code": found.exit_code}, default=str))
    elif markdown:
        click.echo(plan_in_words.as_markdown(found), nl=False)
    else:
        click.echo(plan_in_words.headline(found))
        for line in plan_in_words.lines(found):
            click.echo(printable(line))
    return found.exit_code
