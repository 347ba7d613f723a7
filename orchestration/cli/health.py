"""`romi doctor` and `romi accept-loss`: whether everything is there, and what to do about what is not."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli.console import wait_teller
from settings import Settings, UsageError, load_settings

if TYPE_CHECKING:
    from operations.doctor import Check
    from operations.store.memory.findings import Finding


def doctor(config: Path | None, warehouse: Path | None, as_json: bool) -> int:
    """Check everything the warehouse consists of: files, memory, books, keys, permissions, space, clock, links."""
    from operations import doctor as examination

    checks = examination.examine(load_settings(config, warehouse=warehouse), _journal)
    wrong = [one for one in checks if not one.is_right]
    if as_json:
        listed = [{**asdict(one), "is_right": one.is_right} for one in checks]
        click.echo(json.dumps({"checks": listed, "wrong": len(wrong), "exit_code": int(bool(wrong))}, indent=1))
    else:
        _print(checks)
    return int(bool(wrong))


def _journal(settings: Settings) -> Iterator[Check]:
    from operations.doctor import Check
    from orchestration.journal import damage

    if broken := damage(settings, is_thorough=True):
        yield Check("journal", str(broken), f"{broken} is damaged", "`romi run` sets it aside and makes it anew")
    else:
        yield Check("journal", str(settings.dagster_home))


def _print(checks: list[Check]) -> None:
    for one in checks:
        if one.is_right:
            click.echo(f"right  {one.name}: {one.place}")
        else:
            click.echo(f"WRONG  {one.name}: {one.problem}")
            click.echo(f"       {one.mend}")
    wrong = sum(not one.is_right for one in checks)
    click.echo(f"{wrong} of {len(checks)} are wrong" if wrong else f"all {len(checks)} are right")


@click.option("--region", metavar="R", help="Give up what is missing from this region.")
@click.option(
    "--published",
    is_flag=True,
    help="Give up what is missing from the published version, its pin and the common books.",
)
@click.option("--by", metavar="NAME", help="Who gives it up; default: the user of this machine.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def accept_loss(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, published: bool, by: str | None,
    yes: bool,
) -> None:  # fmt: skip
    """Give up for good what is really lost: it is booked, and shown beside the figures from then on."""
    from operations.store.locks import check_warehouse, exclusive
    from operations.store.memory.accepting import accept, missing

    if (region is None) != published:
        raise UsageError("give --region R, or --published")
    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    with exclusive(settings, wait_teller(as_json)):
        found = missing(settings, region)
        if not yes and (as_json or not _is_confirmed(found)):
            raise UsageError("nothing was given up; --yes gives it up without asking")
        loss = accept(settings, region, by or getpass.getuser())
    if as_json:
        click.echo(json.dumps({"region": region, **loss.model_dump(mode="json")}, indent=1))
    else:
        click.echo(
            f"booked as lost by {loss.accepted_by}: {loss.archives:,} files of the landing zone, {loss.records:,}"
            f" records, {loss.orders:,} orders worth {loss.revenue:,.2f}; `romi run` goes on without them"
        )


def _is_confirmed(found: list[Finding]) -> bool:
    for one in found:
        click.echo(f"missing: {one.what}", err=True)
    try:
        return click.confirm("Give it up for good? It is booked, and cannot be taken back", err=True)
    except click.Abort:
        return False
