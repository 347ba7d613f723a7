"""`romi dsar`: requests of persons. What they are called is taken as it is given and never printed."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.cli.console import wait_teller
from settings import Settings, UsageError, load_settings

if TYPE_CHECKING:
    from operations.rights.requests import Request
    from operations.rights.subjects import Outcome, Subject

_region = click.option("--region", metavar="R", help="This region only.")
_NOTICE = "personal data: give it to the person it is about, and keep it out of tickets, chats and logs"


def _subject_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        _region,
        click.option("--email", metavar="ADDRESS", help="The person's e-mail, as the landing zone's records tie it."),
        click.option("--anonymous-id", metavar="ID", help="The id of a device or browser of the person."),
        click.option("--user-id", metavar="ID", help="The person's user id."),
    ):
        function = option(function)
    return function


@_subject_options
def access(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, **subject: str | None
) -> int:  # fmt: skip
    """What is held about a person: how much of it, and with --json all of it."""
    from operations.rights import subjects

    outcome = subjects.look(_settings(config, warehouse), _subject(subject), "access", region, wait_teller(as_json))
    if as_json:
        _json(_facts(outcome) | {"notice": _NOTICE, "held": outcome.found})
    else:
        _print_held(outcome)
    return outcome.exit_code


@_subject_options
@click.option("--output", type=click.Path(path_type=Path), help="Write it to this new file, for its owner alone.")
def export(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, output: Path | None,
    **subject: str | None,
) -> int:  # fmt: skip
    """Everything held about a person, as JSON."""
    from operations.rights import subjects

    if output is not None and output.exists():
        raise UsageError(f"{output} is there already; name a new file")
    outcome = subjects.look(_settings(config, warehouse), _subject(subject), "export", region, wait_teller(as_json))
    document = _facts(outcome) | {"notice": _NOTICE, "held": outcome.found}
    if output is None:
        _json(document)
        return outcome.exit_code
    try:
        with os.fdopen(os.open(output, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=1, default=str)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    if as_json:
        _json(_facts(outcome) | {"output": str(output)})
    else:
        _print_held(outcome)
        click.echo(f"written to {output}: {_NOTICE}")
    return outcome.exit_code


@_subject_options
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="Several at once: a CSV file with a header of"
    " user_id, anonymous_id and email, or some of them, and a person in each row.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, file: Path | None, yes: bool,
    **subject: str | None,
) -> int:  # fmt: skip
    """Remove a person from every store, for good; orders keep their money as an anonymous buyer's.

    Killed on the way, the same command again goes on where it ended.
    """
    from operations.rights import subjects

    settings = _settings(config, warehouse)
    who = _listed(file, subject) if file else [_subject(subject)]
    whom = "this person" if len(who) == 1 else f"these {len(who):,} persons"
    where = region or f"all regions ({', '.join(subjects.regions(settings, None))})"
    question = f"Erase {whom} in {where}? It cannot be undone, and disposes of all but the newest published version"
    if not yes and (as_json or not _confirmed(question)):
        raise UsageError("nothing was erased; --yes erases without asking")
    outcome = subjects.erase(settings, who, region, wait_teller(as_json))
    if as_json:
        requests = [_request(one) for ones in outcome.erasures.values() for one in ones]
        _json(_facts(outcome) | {"requests": requests, "version": outcome.version})
    else:
        _print_erased(outcome)
    return outcome.exit_code


@_subject_options
def rectify(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, **subject: str | None
) -> int:  # fmt: skip
    """Put right whose a device is: --anonymous-id names it, --user-id whose it is.

    `romi run` rebuilds and publishes the days it concerns.
    """
    from operations.rights import subjects

    outcome = subjects.rectify(_settings(config, warehouse), _subject(subject), region, wait_teller(as_json))
    if as_json:
        _json(_facts(outcome))
    else:
        _print_failures(outcome)
        for name, request in outcome.requests.items():
            click.echo(f"{name}: request {request.id} done; {request.steps['done']['events']:,} events to relink")
    return outcome.exit_code


@_region
def show_requests(config: Path | None, warehouse: Path | None, as_json: bool, region: str | None) -> None:
    """The book of requests: each with its legal clock and its steps, without who asked."""
    from operations.rights import subjects

    found = [_request(one) for one in subjects.requests(_settings(config, warehouse), region)]
    if as_json:
        return _json({"requests": found, "overdue": sum(one["state"] == "overdue" for one in found)})
    if not found:
        return click.echo("no requests")
    for one in found:
        steps = ", ".join(one["steps"]) or "nothing yet"
        click.echo(
            f"{one['id']}  {one['kind']:<8} {one['region']:<8} received {one['received_at']:%Y-%m-%d}"
            f"  due {one['due_at']:%Y-%m-%d} ({one['clock']})  {one['state']}: {steps}"
        )
    return None


def _confirmed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False


def _settings(config: Path | None, warehouse: Path | None) -> Settings:
    return load_settings(config, warehouse=warehouse)


def _subject(given: dict[str, str | None]) -> Subject:
    from operations.rights.subjects import Subject

    named = {name: value for name, value in given.items() if value}
    if not named:
        raise UsageError("say who it is about: --user-id, --anonymous-id or --email")
    return Subject(**named)


def _listed(file: Path, given: dict[str, str | None]) -> list[Subject]:
    from operations.rights.subjects import Subject

    if any(given.values()):
        raise UsageError("either --file, or --user-id, --anonymous-id or --email")
    known = {"user_id", "anonymous_id", "email"}
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = csv.DictReader(opened)
            if not rows.fieldnames or not set(rows.fieldnames) <= known:
                raise UsageError(f"{file} needs a header of {', '.join(sorted(known))}, or some of them")
            found = [{name: value.strip() for name, value in row.items() if value and value.strip()} for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise UsageError(f"{file} cannot be read as CSV") from error
    if not any(found):
        raise UsageError(f"{file} names nobody")
    return [Subject(**one) for one in found if one]


def _request(one: Request) -> dict[str, Any]:
    from ingestion.records import naive_utc
    from settings import now

    return {"id": one.id, "kind": one.kind, "region": one.region, "clock": one.clock, "received_at": one.received_at,
            "due_at": one.due_at, "state": one.state(naive_utc(now())), "steps": one.steps}  # fmt: skip


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {"requests": [_request(one) for one in outcome.requests.values()], "failures": outcome.failures,
            "exit_code": outcome.exit_code}  # fmt: skip


def _print_held(outcome: Outcome) -> None:
    _print_failures(outcome)
    for region, tables in outcome.found.items():
        rows = sum(map(len, tables.values()))
        click.echo(f"{region}: {f'{rows:,} rows' if rows else 'nothing'} held about this person")
        for table, found in tables.items():
            click.echo(f"  {table:<44} {len(found):>8,}")


def _print_erased(outcome: Outcome) -> None:
    _print_failures(outcome)
    for region, requests in outcome.erasures.items():
        came_to = requests[-1].steps.get("removed", {})
        done = "done" if all(one.done_at for one in requests) else "not done yet"
        click.echo(
            f"{region}: request{'s' if len(requests) > 1 else ''} {', '.join(one.id for one in requests)} {done};"
            f" {came_to.get('events', 0):,} events removed, {came_to.get('orders', 0):,} orders made anonymous,"
            f" {came_to.get('dead_letters', 0):,} dead letters disposed of"
        )


def _print_failures(outcome: Outcome) -> None:
    for region, message in outcome.failures.items():
        click.echo(f"failed {region}: {message}")


def _json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str))
