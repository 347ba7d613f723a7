"""`romi experiment`: lay one out, and write the panel that models of marketing mix read."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.cli.console import printable
from settings import UsageError, load_settings

if TYPE_CHECKING:
    from operations.experiments.design import Size

_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.option("--power", type=_SHARE, default=0.8, show_default=True, help="How often an effect of that size is found.")
@click.option("--confidence", type=_SHARE, default=0.95, show_default=True, help="Confidence of the interval.")
@click.option("--control-share", type=_SHARE, default=0.1, show_default=True, help="Share of persons held out.")
@click.option("--name", default="holdout", show_default=True, help="Its name, by which geographies are drawn.")
@click.option(
    "--assignment", type=click.Choice(["pseudonym", "geography"]), default="pseudonym", show_default=True,
    help="Hold out persons, or geographies.",
)  # fmt: skip
@click.option("--region", metavar="R", help="The region; needed where there are several.")
def design(config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, **options: Any) -> None:
    """Work out groups, size, length and smallest detectable effect of an experiment, from the region's own history."""
    from operations.experiments.design import lay_out

    found = lay_out(load_settings(config, warehouse=warehouse), region, **options)
    if as_json:
        return click.echo(json.dumps(asdict(found)))
    for one in found.sizes:
        click.echo(_line(one, options["assignment"]))
    for arm, places in (("treated", found.treated), ("control", found.control)):
        if places:
            click.echo(printable(f"{arm}: {', '.join(places)}"))
    return click.echo("write it into romi.yaml before it begins (docs/finance.md, What advertising really brought)")


def _line(size: Size, assignment: str) -> str:
    what = "persons" if assignment == "pseudonym" else "geographies"
    line = f"{size.days} days: {size.treated:,} {what} treated, {size.control:,} held out: "
    if size.smallest_effect is None:
        return line + f"too few {what} or orders to tell what it would show"
    line += f"shows effects on revenue from {size.smallest_effect:.1%} on"
    if size.with_cuped is not None:
        line += f" ({size.with_cuped:.1%} if you adjust for what persons bought before: CUPED)"
    return line


def _populations(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for one in given:
        region, _equals, people = one.partition("=")
        if not region or not people.isascii() or not people.isdigit() or int(people) < 1:
            raise click.BadParameter(f"{one!r} is not REGION=PEOPLE, such as eu=450000000")
        found[region] = int(people)
    return found


@click.option(
    "--population", metavar="R=N", multiple=True, callback=_populations,
    help="With --wide: how many people live in a region, which Meridian divides by; may be repeated. Default: 1.",
)  # fmt: skip
@click.option("--region", metavar="R", multiple=True, help="Only that region; may be repeated.")
@click.option("--wide", is_flag=True, help="Write a row for each date and region, with columns for each channel.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
def panel(
    config: Path | None, warehouse: Path | None, as_json: bool, out: Path, wide: bool, region: tuple[str, ...],
    population: dict[str, int],
) -> None:  # fmt: skip
    """Write spend, impressions and outcome (net revenue) by day, region and channel, for Meridian or PyMC-Marketing.

    It has the days that every region has.
    """
    from operations.experiments.panel import write_panel

    if not out.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {out.absolute().parent}")
    settings = load_settings(config, warehouse=warehouse)
    made = write_panel(settings, out, is_wide=wide, only=region, population=population)
    if as_json:
        facts = {"file": str(out), **asdict(made), "first": str(made.first), "last": str(made.last)}
        return click.echo(json.dumps(facts))
    return click.echo(f"{out}: {made.rows:,} rows, {', '.join(made.regions)} from {made.first} to {made.last}")
