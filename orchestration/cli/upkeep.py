"""`romi retention`, `backup`, `restore`, `migrate` and `audit`: what keeps a warehouse in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from operations.backups.backup_places import is_address
from orchestration.cli.console import wait_teller
from settings import WAREHOUSE_FORMAT, Settings, load_settings

if TYPE_CHECKING:
    from operations.backups.backup import Backup
    from operations.backups.backup_book import Verified
    from operations.retention.retention import Retained


@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
def apply_retention(config: Path | None, warehouse: Path | None, as_json: bool, dry_run: bool) -> int:
    """Dispose of what is past its period, and book it. Finance keeps what it has."""
    from operations.retention import retention
    from operations.store.locks import check_warehouse

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    with _logs(settings) as logs:
        done = retention.apply(settings, logs, dry_run=dry_run, on_wait=wait_teller(as_json))
        overdue = {} if dry_run else retention.find_overdue(settings, logs, timedelta(0))
    if as_json:
        _json({"dry_run": dry_run, **asdict(done), "overdue": overdue, "exit_code": done.exit_code})
    else:
        _print_retained(done, overdue, dry_run=dry_run)
    return done.exit_code or int(bool(overdue))


@contextmanager
def _logs(settings: Settings) -> Iterator[Callable[[datetime], dict[str, Callable[[], None]]]]:
    """Dagster's journal is asked where there is one; to import it takes seconds."""
    if not (settings.dagster_home / "dagster.yaml").is_file():
        yield lambda _: {}
        return
    from orchestration.logs import old_logs
    from orchestration.pipeline import instance

    with instance(settings) as journal:
        yield partial(old_logs, settings, journal)


class _Place(click.ParamType):
    """A folder, or the address of an object store."""

    name = "DIR or s3://bucket/prefix"

    def convert(self, value: str | Path, param: object, ctx: object) -> Path | str:
        return value if is_address(value) else Path(value)


@click.option("--to", type=_Place(), help="Where to put it; default <warehouse>.backups beside it.")
@click.option("--trial/--no-trial", default=True, help="Restore the backup once on trial, and measure that (default).")
def make_backup(config: Path | None, warehouse: Path | None, as_json: bool, to: Path | str | None, trial: bool) -> None:
    """Copy the warehouse, consistent and verified. Keys are not in it: keep those apart."""
    from operations.backups.verified_backup import back_up_and_try

    settings = load_settings(config, warehouse=warehouse)
    done = back_up_and_try(settings, to, wait_teller(as_json), trial=trial)
    _print_backup(done, "backed up to", as_json)


@click.argument("source", metavar="FROM", type=_Place())
@click.option("--force", is_flag=True, help="Put it in the place of a warehouse that is not empty.")
def restore_backup(config: Path | None, warehouse: Path | None, as_json: bool, source: Path | str, force: bool) -> None:
    """Put a verified backup in the warehouse's place; whoever was erased since does not come back."""
    from operations.backups.restore import restore

    settings = load_settings(config, warehouse=warehouse)
    _print_backup(restore(settings, source, force=force, on_wait=wait_teller(as_json)), "restored from", as_json)


def migrate_warehouse(config: Path | None, warehouse: Path | None, as_json: bool) -> int:
    """Bring a warehouse that an earlier release made to the format that this one works on.

    `romi run` and `romi restore` do it by themselves. A region's file is changed in one step or not at all; if it
    is killed, run it again or let the next run finish it. Back the warehouse up with the earlier release before you
    install this one: an earlier release does not read a later format.
    """
    from operations.store.locks import check_warehouse
    from operations.store.migrations import migrate_by_hand

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings, may_migrate=True)
    done = migrate_by_hand(settings, wait_teller(as_json))
    code = int(bool(done.failures))
    if as_json:
        _json({"format": WAREHOUSE_FORMAT, "migrated": done.steps, "failures": done.failures, "exit_code": code})
        return code
    for line in done.steps:
        click.echo(f"migrated {line}")
    for region, problem in done.failures.items():
        click.echo(f"failed {region}: {problem}")
    if not code:
        click.echo(f"the warehouse has format {WAREHOUSE_FORMAT}" + ("" if done.steps else ": nothing to do"))
    return code


def audit_warehouse(config: Path | None, warehouse: Path | None, as_json: bool) -> int:
    """Compare the running warehouse with the register of processing: tables, files, modes, keys and periods."""
    from operations.register import register_audit
    from operations.store.locks import check_warehouse

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    with _logs(settings) as logs:
        findings = register_audit.audit(settings, logs)
    if as_json:
        _json({"findings": findings, "exit_code": int(bool(findings))})
    else:
        for one in findings:
            click.echo(one)
        click.echo(f"{len(findings)} findings" if findings else "the warehouse is as the register says")
    return int(bool(findings))


def _print_retained(done: Retained, overdue: dict[str, int], *, dry_run: bool) -> None:
    verb = "would go" if dry_run else "disposed of"
    for one in done.disposed:
        if one.count:
            click.echo(f"{one.where}: {one.count:,} {one.what} from before {one.before} {verb} ({one.rule})")
        if one.blocked:
            click.echo(f"{one.where}: {one.what} past their period stay: {one.blocked}")
    if not done.disposed:
        click.echo("nothing is past its period")
    for region, message in done.failures.items():
        click.echo(f"failed {region}: {message}")
    for region, kinds in done.landing.items():
        for kind, facts in kinds.items():
            click.echo(f"{region}: {facts['files']:,} files of {kind} in the landing zone are past their period, the"
                       f" oldest of {facts['oldest']}; they are upstream's to remove")  # fmt: skip
    for what, count in overdue.items():
        click.echo(f"still overdue: {count:,} {what}")


def _print_backup(made: Backup | Verified, verb: str, as_json: bool) -> None:
    if as_json:
        return _json(asdict(made))
    click.echo(f"{verb} {made.folder}: {made.files:,} files, {made.bytes:,} bytes, verified, in {made.seconds:.1f} s")
    if (back := getattr(made, "recovery_seconds", None)) is not None:
        click.echo(f"restored on trial in {back:.1f} s")
    for region, latest in made.recovery_point.items():
        click.echo(f"{region}: up to the event of {latest or '(none)'} UTC")
    for line in getattr(made, "notes", ()):
        click.echo(line)
    return None


def _json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str))
