"""`romi dsar`: requests of persons. What they are called is taken as it is given and never printed."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.cli.console import tell_problems, wait_teller
from orchestration.cli.show_subjects import (
    erased_facts,
    facts,
    print_erased,
    print_failures,
    print_held,
    print_json,
    print_requests,
    print_verified,
    request_facts,
)
from settings import Settings, UsageError, load_settings

if TYPE_CHECKING:
    from operations.rights.subjects import Subject

_region = click.option("--region", metavar="R", help="This region only.")
_NOTICE = "personal data: give it to the person it is about, and keep it out of tickets, chats and logs"


def _subject_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        _region,
        click.option("--landing", metavar="DIR", help="The landing zone; default: the configuration's."),
        click.option("--email", metavar="ADDRESS", help="The person's e-mail, as the landing zone's records tie it."),
        click.option("--anonymous-id", metavar="ID", help="The id of a device or browser of the person."),
        click.option("--user-id", metavar="ID", help="The person's user id."),
    ):
        function = option(function)
    return function


@_subject_options
def access(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, landing: str | None,
    **subject: str | None,
) -> int:  # fmt: skip
    """Show how much is held about a person; with --json, all of it."""
    from operations.rights import subjects

    outcome = subjects.look(
        _settings(config, warehouse, landing), _subject(subject), "access", region, wait_teller(as_json)
    )
    if as_json:
        print_json(facts(outcome) | {"notice": _NOTICE, "held": outcome.found})
    else:
        print_held(outcome)
    return outcome.exit_code


@_subject_options
@click.option("--output", type=click.Path(path_type=Path), help="Write it to this new file, for its owner alone.")
def export(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, landing: str | None,
    output: Path | None, **subject: str | None,
) -> int:  # fmt: skip
    """Write everything held about a person as JSON."""
    from operations.rights import subjects

    if output is not None and output.exists():
        raise UsageError(f"{output} is there already; name a new file")
    outcome = subjects.look(
        _settings(config, warehouse, landing), _subject(subject), "export", region, wait_teller(as_json)
    )
    document = facts(outcome) | {"notice": _NOTICE, "held": outcome.found}
    if output is None:
        print_json(document)
        return outcome.exit_code
    try:
        with os.fdopen(os.open(output, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=1, default=str)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    if as_json:
        print_json(facts(outcome) | {"output": str(output)})
    else:
        print_held(outcome)
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
@click.option("--request", metavar="ID", help="Go on with this open request, of which nothing of the person was kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, landing: str | None,
    file: Path | None, request: str | None, yes: bool, **subject: str | None,
) -> int:  # fmt: skip
    """Remove a person from every store, for good; orders keep their money as an anonymous buyer's.

    If it is killed, the same command or the next run goes on where it stopped. Where something could not be searched,
    the request stays open (exit code 1), and a later run completes it. Where nobody was found, the command says so,
    with what it searched; a tombstone keeps out what may arrive later.
    """
    from operations.publishing.hand_on import hand_on
    from operations.rights import subjects

    settings = _settings(config, warehouse, landing)
    who = _listed(file, subject) if file else [_subject(subject)]
    whom = "this person" if len(who) == 1 else f"these {len(who):,} persons"
    where = region or f"all regions ({', '.join(subjects.regions(settings, None))})"
    question = f"Erase {whom} in {where}? It cannot be undone, and disposes of all but the newest published version"
    if not yes and (as_json or not _confirmed(question)):
        raise UsageError("nothing was erased; --yes erases without asking")
    outcome = subjects.erase(settings, who, region, wait_teller(as_json), request)
    tell_problems(hand_on(settings))  # nothing of a version that was disposed of stays
    were_trimmed = any(one.has_blanks for one in who)
    if as_json:
        print_json(erased_facts(outcome, were_trimmed=were_trimmed))
    else:
        print_erased(outcome, len(who), were_trimmed=were_trimmed)
    return outcome.exit_code


@_subject_options
def rectify(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, landing: str | None,
    **subject: str | None,
) -> int:  # fmt: skip
    """Correct the owner of a device: --anonymous-id names the device, --user-id its owner.

    `romi run` rebuilds and publishes the days concerned.
    """
    from operations.rights import subjects

    outcome = subjects.rectify(_settings(config, warehouse, landing), _subject(subject), region, wait_teller(as_json))
    if as_json:
        print_json(facts(outcome))
    else:
        print_failures(outcome)
        for name, request in outcome.requests.items():
            click.echo(f"{name}: request {request.id} done; {request.steps['done']['events']:,} events to relink")
    return outcome.exit_code


@_region
@click.option("--certificate", metavar="ID", help="The signed certificate of an erasure that is done, as JSON.")
@click.option("--verify", metavar="FILE", type=click.Path(path_type=Path), help="Whether a certificate is genuine.")
@click.option(
    "--public-key", metavar="FILE", type=click.Path(path_type=Path),
    help="With --verify: the key to trust, as `romi keys public` wrote it; default: the region's own.",
)  # fmt: skip
def show_requests(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, certificate: str | None,
    verify: Path | None, public_key: Path | None,
) -> None:  # fmt: skip
    """List the requests, each with its legal deadline and steps but not who asked; print or verify certificates."""
    from operations.rights import certificate as certificates
    from operations.rights import subjects

    settings = _settings(config, warehouse)
    if certificate:
        return click.echo(certificates.certificate(settings, certificate), nl=False)
    if verify:
        public = _signing_key(public_key) if public_key else None
        found = certificates.verify(settings, _text(verify), public)
        return print_verified(found, as_json)
    return print_requests([request_facts(one) for one in subjects.requests(settings, region)], as_json)


def _signing_key(file: Path) -> bytes:
    from privacy.signing import from_pem

    return from_pem(_text(file))


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read as text") from error


def _confirmed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False


def _settings(config: Path | None, warehouse: Path | None, landing: str | None = None) -> Settings:
    return load_settings(config, warehouse=warehouse, landing=landing)


def _subject(given: dict[str, str | None]) -> Subject:
    from operations.rights.subjects import Subject

    named = {name: value for name, value in given.items() if value and value.strip()}
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
            found = [{name: value for name, value in row.items() if value and value.strip()} for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise UsageError(f"{file} cannot be read as CSV") from error
    if not any(found):
        raise UsageError(f"{file} names nobody")
    return [Subject(**one) for one in found if one]
