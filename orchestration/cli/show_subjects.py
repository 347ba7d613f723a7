"""What `romi dsar` prints: of a request how it stands, of an erasure what it came to and could not look into."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from operations.rights.requests import Request
    from operations.rights.subjects import Outcome

_UNNAMED = "`romi dsar erase --request {}` with the person's id ends it when this is mended"
_BY_ITSELF = "a run ends it by itself when it can look there, as the same command does"


def request_facts(one: Request) -> dict[str, Any]:
    """A request as JSON has it."""
    from ingestion.records import naive_utc
    from settings import now

    facts = {"id": one.id, "kind": one.kind, "region": one.region, "clock": one.clock, "received_at": one.received_at,
             "due_at": one.due_at, "state": one.state(naive_utc(now())), "steps": one.steps}  # fmt: skip
    if one.kind == "erase":
        facts |= {"outcome": one.outcome, "missing": [str(it) for it in one.missing], "searched": searched(one)}
    return facts


def searched(one: Request) -> dict[str, int]:
    """What the last look of an erasure has read."""
    if not one.looks:
        return {}
    last = one.looks[-1]
    return {"events": last.events, "dead_letters": last.letters, "archives": last.archives,
            "archive_records": last.archive_records}  # fmt: skip


def facts(outcome: Outcome) -> dict[str, Any]:
    """What a command came to, as JSON has it."""
    return {
        "requests": [request_facts(one) for one in outcome.requests.values()], "failures": outcome.failures,
        "missing": {region: [str(one) for one in ones] for region, ones in outcome.missing.items()},
        "exit_code": outcome.exit_code,
    }  # fmt: skip


def erased_facts(outcome: Outcome, *, were_trimmed: bool) -> dict[str, Any]:
    """The same of an erasure: every request, and which persons, by their place in the list, nobody knows."""
    return facts(outcome) | {
        "requests": [request_facts(one) for ones in outcome.erasures.values() for one in ones],
        "outcome": _outcome(outcome), "nobody_found": [place + 1 for place in outcome.unknown],
        "were_trimmed": were_trimmed, "version": outcome.version,
    }  # fmt: skip


def _outcome(outcome: Outcome) -> str:
    if outcome.failures:
        return "failed"
    if outcome.open:
        return "open"
    found = {one.outcome for ones in outcome.erasures.values() for one in ones}
    return next((one for one in ("erased", "erased_before") if one in found), "nobody_found")


def print_held(outcome: Outcome) -> None:
    print_failures(outcome)
    for region, tables in outcome.found.items():
        rows = sum(map(len, tables.values()))
        click.echo(f"{region}: {f'{rows:,} rows' if rows else 'nothing'} held about this person")
        for table, found in tables.items():
            click.echo(f"  {table:<44} {len(found):>8,}")


def print_erased(outcome: Outcome, persons: int, *, were_trimmed: bool) -> None:
    print_failures(outcome)
    if were_trimmed:
        click.echo("blanks around an identifier were trimmed; it was looked for in both forms")
    for region, requests in outcome.erasures.items():
        for line in _region_lines(region, requests):
            click.echo(line)
    if outcome.unknown and persons > 1:
        places = ", ".join(str(place + 1) for place in outcome.unknown[:20])
        more = f" and {len(outcome.unknown) - 20:,} more" if len(outcome.unknown) > 20 else ""
        click.echo(
            f"nobody was found for {len(outcome.unknown):,} of {persons:,} persons, by their place: {places}{more}"
        )


def _region_lines(region: str, requests: list[Request]) -> list[str]:
    ids = f"request{'s' if len(requests) > 1 else ''} {', '.join(one.id for one in requests)}"
    removed = requests[-1].removed or requests[-1].steps.get("removed", {})
    counts = (
        f"{removed.get('events', 0):,} events removed, {removed.get('orders', 0):,} orders made anonymous,"
        f" {removed.get('dead_letters', 0):,} dead letters disposed of"
    )
    if waiting := [one for one in requests if not one.done_at]:
        return [
            f"{region}: {ids} not done yet; so far {counts}",
            *(line for one in waiting for line in open_lines(one)),
        ]
    outcomes = {one.outcome for one in requests}
    if outcomes == {"nobody_found"}:
        return [f"{region}: {ids} done: nobody was found in {_where(requests[-1])}; a tombstone stays for good, so that"
                " records of whoever this is are kept out when they arrive later"]  # fmt: skip
    if outcomes == {"erased_before"}:
        return [f"{region}: {ids} done: the person was erased before, and nothing of them was found in"
                f" {_where(requests[-1])}"]  # fmt: skip
    return [f"{region}: {ids} done; {counts}"]


def _where(one: Request) -> str:
    found = searched(one)
    return (
        f"{found.get('events', 0):,} events and {found.get('dead_letters', 0):,} dead letters of region {one.region}"
        f" and {found.get('archive_records', 0):,} records of {found.get('archives', 0):,} archives"
    )


def open_lines(one: Request) -> list[str]:
    """Why an erasure is open, and what ends it."""
    if not one.missing:
        return [f"  {one.id} is open: it ends with the next run that publishes"]
    way_out = _UNNAMED.format(one.id) if one.lacks("who") else _BY_ITSELF
    return [f"  {one.id} is open: {it}" for it in one.missing] + [f"  {way_out}"]


def print_requests(found: list[dict[str, Any]], as_json: bool) -> None:
    """The book of requests, a line each, and below an open erasure what is missing."""
    if as_json:
        return print_json({"requests": found, "overdue": sum(one["state"] == "overdue" for one in found)})
    if not found:
        return click.echo("no requests")
    for one in found:
        steps = ", ".join(one["steps"]) or "nothing yet"
        click.echo(
            f"{one['id']}  {one['kind']:<8} {one['region']:<8} received {one['received_at']:%Y-%m-%d}"
            f"  due {one['due_at']:%Y-%m-%d} ({one['clock']})  {one['state']}: {steps}"
        )
        for line in one.get("missing", []):
            click.echo(f"  could not look everywhere: {line}")
    return None


def print_verified(found: dict[str, Any], as_json: bool) -> None:
    """A certificate that is genuine."""
    if as_json:
        return print_json({"is_genuine": True, "certificate": found})
    return click.echo(
        f"genuine: erasure {found['request']} of region {found['region']}, {found['state']} at {found['done_at']} UTC,"
        f" {found['outcome']}: {found['removed']['events']:,} events removed,"
        f" {found['removed']['orders_made_anonymous']:,} orders made anonymous,"
        f" {found['removed']['dead_letters']:,} dead letters disposed of"
    )


def print_failures(outcome: Outcome) -> None:
    for region, message in outcome.failures.items():
        click.echo(f"failed {region}: {message}")
    for region, missing in outcome.missing.items():
        for one in missing:
            click.echo(f"{region}: the answer may lack something: {one}")


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str))
