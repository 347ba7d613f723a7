"""`romi dead-letters`: look at them, and after a fix load them exactly once."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.cli.console import printable, wait_teller
from settings import Settings, UsageError, load_settings

if TYPE_CHECKING:
    from ingestion.dead_letters import Letter
    from ingestion.replay import Replayed
    from operations.dead_letters import Outcome

_region = click.option("--region", metavar="R", help="This region only.")
_reason = click.option("--reason", help="Those of this reason only, such as invalid_type.")
_NOTICE = "personal data, exactly as it arrived: keep it out of tickets, chats and logs"


@_region
@_reason
@click.option("--topic", help="Those of this topic only.")
@click.option("--ids", "with_ids", is_flag=True, help="Name single ones too, each with its id.")
@click.option("--limit", default=100, show_default=True, help="How many to name at most.")
def list_letters(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, reason: str | None,
    topic: str | None, with_ids: bool, limit: int,
) -> None:  # fmt: skip
    """Count them by region, reason, topic and day of arrival, from the books; no payload is opened."""
    from ingestion.dead_letters import Which
    from operations import dead_letters

    settings, which = _settings(config, warehouse), Which(reason=reason, topic=topic)
    groups = dead_letters.summary(settings, region, which)
    letters = dead_letters.letters(settings, region, which, limit) if with_ids else []
    named = [_place(name, letter) for name, letter in letters]
    if as_json:
        total = sum(group["records"] for group in groups)
        return _json({"records": total, "groups": groups} | ({"letters": named} if with_ids else {}))
    return _print_list(groups, named)


@click.argument("letter_id", required=False, metavar="[ID]")
@_region
@click.option("--archive", help="The archive's name, as `list --ids` shows it; instead of an ID.")
@click.option("--offset", type=click.IntRange(min=0), help="The record's place in the archive, from 0.")
@click.option("--payload", "with_payload", is_flag=True, help="Open the payload too. It is personal data.")
def show_letter(
    config: Path | None, warehouse: Path | None, as_json: bool, letter_id: str | None, region: str | None,
    archive: str | None, offset: int | None, with_payload: bool,
) -> None:  # fmt: skip
    """Show one dead letter: its place, reason and history; with --payload, and the region's seal key, what it says.

    An ID is REGION:ARCHIVE:OFFSET, such as eu:12:345.
    """
    from ingestion.dead_letters import Which, parse_id
    from operations import dead_letters

    if letter_id:
        named, which = parse_id(letter_id)
        if archive or offset is not None or region not in (None, named):
            raise UsageError("give an ID, or --region, --archive and --offset, not both")
    elif region and archive and offset is not None:
        named, which = region, Which(name=archive, record_offset=offset)
    else:
        raise UsageError("give an ID such as eu:12:345, or --region, --archive and --offset")
    letter, payload = dead_letters.look(_settings(config, warehouse), named, which, with_payload=with_payload)
    facts = _place(named, letter)
    if payload is not None:
        facts |= {"notice": _NOTICE, "payload": payload.decode("utf-8", "backslashreplace")}
    if as_json:
        return _json(facts)
    for name, value in facts.items():
        click.echo(f"{name:<16} {printable(str('-' if value is None else value))}")
    return None


@_region
@_reason
@click.option("--archive", help="Those of this archive only, by its name in `list --ids`.")
@click.option("--id", "letter_id", help="This one only, such as eu:12:345.")
def replay_letters(
    config: Path | None, warehouse: Path | None, as_json: bool, region: str | None, reason: str | None,
    archive: str | None, letter_id: str | None,
) -> int:  # fmt: skip
    """Read them again with today's readers and configuration, and load what can be loaded, exactly once.

    `romi run` rebuilds and publishes the days it touched.
    """
    from ingestion.dead_letters import Which, parse_id
    from operations import dead_letters

    which = Which(reason=reason, name=archive)
    if letter_id:
        named, which = parse_id(letter_id)
        if archive or reason or region not in (None, named):
            raise UsageError("--id names one dead letter: give it without --reason, --archive and another --region")
        region = named
    outcome = dead_letters.replay_regions(_settings(config, warehouse), region, which, wait_teller(as_json))
    if as_json:
        _json({"regions": {name: asdict(one) for name, one in outcome.regions.items()},
               "pending_days": outcome.pending_days, "failures": outcome.failures,
               "exit_code": outcome.exit_code})  # fmt: skip
    else:
        _print_outcome(outcome)
    return outcome.exit_code


def _settings(config: Path | None, warehouse: Path | None) -> Settings:
    return load_settings(config, warehouse=warehouse)


def _place(region: str, letter: Letter) -> dict[str, Any]:
    place = f"{region}:{letter.archive_id}:{letter.record_offset}"
    return {"id": place, "region": region, **asdict(letter), "expected": letter.expected}


def _print_list(groups: list[dict[str, Any]], named: list[dict[str, Any]]) -> None:
    from orchestration.cli.console import console

    if not groups:
        return click.echo("no dead letters")
    out = console(markup=False)
    rows = [
        {"region": one["region"], "topic": one["topic"] or f"({one['kind']})", "reason": one["reason"],
         "arrived": one["first_seen_on"], "happened": _days(one["earliest"], one["latest"]),
         "records": one["records"], "kept": one["payloads"]}
        for one in groups
    ]  # fmt: skip
    blamed = [
        {"region": one["region"], "topic": one["topic"] or f"({one['kind']})", "reason": one["reason"],
         "field": field or "(the whole line)", "expected": words or "-"}
        for one in groups for field, words in one["fields"].items()
    ]  # fmt: skip
    out.print(_table("Dead letters (kept: how many payloads a replay can read)", rows))
    if blamed:
        distinct = list({tuple(one.values()): one for one in blamed}.values())
        out.print(_table("What was expected of which field", distinct))
    if named:
        singles = [
            {"id": one["id"], "reason": one["reason"], "arrived": one["first_seen_at"].date(),
             "happened": str(one["occurred_at"] or "-")[:16], "archive": one["archive"]}
            for one in named
        ]  # fmt: skip
        out.print(_table("Single ones", singles))
    return None


def _days(earliest: datetime | None, latest: datetime | None) -> str:
    if earliest is None or latest is None:
        return "-"
    return "\n".join(sorted({str(earliest.date()), str(latest.date())}))


def _table(title: str, rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        is_count = name in ("records", "kept")
        is_long = name in ("topic", "archive")
        table.add_column(name, justify="right" if is_count else "left", overflow="fold", no_wrap=not is_long)
    for row in rows:
        table.add_row(*["\n".join(map(printable, str(value).split("\n"))) for value in row.values()])
    return table


def _print_outcome(outcome: Outcome) -> None:
    for region, message in outcome.failures.items():
        click.echo(f"failed {region}: {message}")
    for region, one in outcome.regions.items():
        for line in _lines(one):
            click.echo(f"{region}: {line}")
    if days := sum(outcome.pending_days.values()):
        click.echo(f"{days} region-days wait to be rebuilt: `romi run` publishes them")


def _lines(one: Replayed) -> list[str]:
    went = [f"{count:,} {fate}" for fate, count in one.fates.items()]
    went += [f"{count:,} still dead ({reason})" for reason, count in one.dead_letter.items()]
    lines = [f"{one.records:,} replayed: {', '.join(went)}" if one.records else "nothing to replay"]
    if one.payload_not_kept:
        lines.append(f"{one.payload_not_kept:,} left: over 1 MiB, so their payload was not kept;"
                     " they can only come again from the landing zone")  # fmt: skip
    if one.table_rows:
        lines.append(f"{one.table_rows:,} left: rows of spend, ledger or fx files; land the corrected file under its"
                     " name, its rows replace the old ones")  # fmt: skip
    if one.not_opened:
        lines.append(f"{one.not_opened:,} left: their payload does not open with the region's seal key")
    return lines + [f"{name} left: {problem}" for name, problem in one.problems.items()]


def _json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str))
