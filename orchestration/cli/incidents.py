"""`romi incidents`: the incident book, who is on what, and the review afterwards."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.cli.console import printable
from settings import Settings, load_settings

if TYPE_CHECKING:
    from operations.incidents.incident import Incident

_BY = click.option("--by", default=getpass.getuser, show_default="your account", help="Who, for the book.")
_NUMBER = click.argument("number", type=int)


@click.option("--all", "with_closed", is_flag=True, help="Include those that are over.")
def list_incidents(config: Path | None, warehouse: Path | None, as_json: bool, with_closed: bool) -> None:
    """List the incidents that are not over, newest first: severity, since when, who is on it, what it is."""
    from operations.incidents import book

    settings = _settings(config, warehouse)
    found = [one for one in book.incidents(settings)[::-1] if one.is_live or with_closed]
    if as_json:
        return click.echo(json.dumps({"incidents": [_facts(settings, one) for one in found]}, indent=1, default=str))
    for one in found:
        click.echo(printable(_line(one)))
    return None if found else click.echo("no incident is open" if not with_closed else "there was none")


@_NUMBER
def show_incident(config: Path | None, warehouse: Path | None, as_json: bool, number: int) -> None:
    """Show one incident: what was found where, who was told, and its runbook."""
    from operations.incidents import book, words
    from operations.incidents.runbooks import RUNBOOKS

    settings = _settings(config, warehouse)
    one = book.incident(settings, number)
    if as_json:
        facts = _facts(settings, one) | {
            "findings": [found.as_line() for found in one.standing], "timeline": one.timeline,
            "runbook": RUNBOOKS[one.kind].__dict__,
        }  # fmt: skip
        return click.echo(json.dumps(facts, indent=1, default=str))
    runbook = RUNBOOKS[one.kind]
    lines = [_line(one), words.ending(one), words.risk(settings, one)]
    if deadline := words.authority_deadline(one):
        lines.append(f"The supervisory authority is to be told by {deadline:%Y-%m-%d %H:%M} UTC.")
    lines += [*words.evidence(one), "", f"{runbook.title}. {runbook.means}"]
    lines += [f"  {place}. {step}" for place, step in enumerate(runbook.steps, 1)]
    lines += [f"  Command: {runbook.command}" * bool(runbook.command), ""]
    lines += [f"{line['at'][:16].replace('T', ' ')}  {words.event(line)}" for line in one.timeline]
    for line in lines:
        click.echo(printable(line))
    return None


@_BY
@click.option("--note", help="What you know so far.")
@_NUMBER
def acknowledge(
    config: Path | None, warehouse: Path | None, as_json: bool, number: int, by: str, note: str | None
) -> None:  # fmt: skip
    """Acknowledge an incident: nobody else is told until it is over."""
    from operations.incidents import book

    settings = _settings(config, warehouse)
    _say(settings, book.acknowledge(settings, number, by, note), as_json)


@_BY
@click.option("--note", required=True, help="What was done, or why it is accepted.")
@_NUMBER
def resolve(config: Path | None, warehouse: Path | None, as_json: bool, number: int, by: str, note: str) -> None:
    """Close an incident by hand. The files, days and service levels that it names are accepted as they are.

    Anything else of the same kind opens a new incident.
    """
    from operations.incidents import book, escalation

    settings = _settings(config, warehouse)
    one = book.resolve(settings, number, by, note)
    _say(settings, one, as_json, escalation.tick(settings))


@_NUMBER
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
def review(config: Path | None, warehouse: Path | None, as_json: bool, number: int, to: Path | None) -> None:
    """Write the review of an incident as Markdown: timeline, impact in money and minutes, cause, what changed."""
    from operations.incidents import book
    from operations.incidents import review as reviewing
    from operations.incidents.impact import impact
    from settings.durable import write_durably

    settings = _settings(config, warehouse)
    one = book.incident(settings, number)
    text = reviewing.review(settings, one)
    if to:
        write_durably(to, text, mode=0o666)
    if as_json:
        facts = _facts(settings, one) | {"impact": impact(settings, one).__dict__, "review": text}
        return click.echo(json.dumps(facts, indent=1, default=str))
    return click.echo(f"written to {to}" if to else text)


@click.argument("kind", type=click.Choice(["breach", "other"]))
@click.option("--what", required=True, help="What was seen, in words that name no person.")
@click.option("--region", metavar="R", help="Where; default: the warehouse as a whole.")
def open_incident(
    config: Path | None, warehouse: Path | None, as_json: bool, kind: str, what: str, region: str | None
) -> None:  # fmt: skip
    """Open an incident by hand: a breach of personal data (72 hours to tell the authority), or what no check finds."""
    from operations.incidents import escalation
    from operations.incidents.findings import Finding, Kind
    from operations.incidents.report import report
    from settings import UnknownValueError

    settings = _settings(config, warehouse)
    if region and region not in settings.known_regions():
        raise UnknownValueError("region", region, settings.known_regions())
    changes = report(settings, [Finding(Kind(kind), what, what, region)], judged=())
    one = (changes.opened or changes.reopened or _live(settings, kind, what))[0]
    _say(settings, one, as_json, escalation.tick(settings))


def tell(config: Path | None, warehouse: Path | None, as_json: bool) -> None:
    """Send the notices that are due. For a timer, where Dagster's daemon does not run."""
    from operations.incidents import escalation

    settings = _settings(config, warehouse)
    lines = escalation.tick(settings)
    waiting = [f"{one.role} ({one.address}): {problem}" for one, _, problem in escalation.undelivered(settings)]
    if as_json:
        return click.echo(json.dumps({"told": lines, "undelivered": waiting}, indent=1))
    for line in lines:
        click.echo(printable(line))
    return None if lines else click.echo("nobody is due to be told")


def _live(settings: Settings, kind: str, what: str) -> list[Incident]:
    from operations.incidents import book

    return [one for one in book.live(settings) if one.kind == kind and any(what == it.cause for it in one.standing)]


def _settings(config: Path | None, warehouse: Path | None) -> Settings:
    from operations.store.locks import check_warehouse

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings, may_migrate=True)
    return settings


def _say(settings: Settings, one: Incident, as_json: bool, lines: list[str] | None = None) -> None:
    if as_json:
        return click.echo(json.dumps(_facts(settings, one) | {"told": lines or []}, indent=1, default=str))
    for line in [_line(one), *(lines or [])]:
        click.echo(printable(line))
    return None


def _line(one: Incident) -> str:
    who = f"{one.acknowledged_by} is on it" if one.acknowledged_by else "nobody is on it yet"
    state = f"closed {one.closed_at:%Y-%m-%d %H:%M} by {one.closed_by}" if one.closed_at else who
    if one.part_of:
        state = f"part of incident {one.part_of}"
    if one.state == "easing":
        state += ", and its cause is gone for now"
    return f"{one.number}  {one.severity}  since {one.opened_at:%Y-%m-%d %H:%M} UTC, {state}: {one.title}"


def _facts(settings: Settings, one: Incident) -> dict[str, Any]:
    from operations.incidents import words

    return {
        "number": one.number, "kind": one.kind, "severity": one.severity, "state": one.state, "title": one.title,
        "opened_at": one.opened_at.isoformat(), "closed_at": one.closed_at and one.closed_at.isoformat(),
        "closed_by": one.closed_by, "part_of": one.part_of, "acknowledged_by": one.acknowledged_by,
        "acknowledged_at": one.acknowledged_at and one.acknowledged_at.isoformat(), "minutes": words.minutes(one),
        "regions": one.regions, "touches": len(one.touched), "at_risk_cents_per_minute": one.at_risk_cents,
        "authority_deadline": words.authority_deadline(one),
    }  # fmt: skip
