"""`romi`: the command line; each command is a few lines over plain functions."""

from __future__ import annotations

import functools
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from orchestration.cli import close as cli_close
from orchestration.cli import dead_letters as cli_dead_letters
from orchestration.cli import experiment as cli_experiment
from orchestration.cli import files as cli_files
from orchestration.cli import health as cli_health
from orchestration.cli import incidents as cli_incidents
from orchestration.cli import keys as cli_keys
from orchestration.cli import move as cli_move
from orchestration.cli import plan as cli_plan
from orchestration.cli import probe as cli_probe
from orchestration.cli import quarantine as cli_quarantine
from orchestration.cli import recover as cli_recover
from orchestration.cli import report as cli_report
from orchestration.cli import reread as cli_reread
from orchestration.cli import run as cli_run
from orchestration.cli import subjects as cli_subjects
from orchestration.cli import upkeep as cli_upkeep
from orchestration.cli.console import tell_problems
from settings import RomiError, Settings, load_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="romi-warehouse")
def main() -> None:
    """What each euro of marketing brought back, exactly, without knowing who anyone is.

    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the quality gate withheld something.
    """


def command(group: click.Group, name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of `group` with the options that all have; a RomiError ends it in one line with its exit code."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def body(config: Path | None, warehouse: Path | None, as_json: bool, **options: Any) -> None:
            try:
                sys.exit(function(config=config, warehouse=warehouse, as_json=as_json, **options) or 0)
            except RomiError as error:
                _fail(str(error), error.exit_code, as_json)
            except KeyboardInterrupt:
                _fail("interrupted; run it again to go on", 1, as_json)
            except Exception as error:
                if os.environ.get("ROMI_DEBUG"):
                    raise
                _fail(_unexpected(error), 1, as_json)

        for option in (
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text."),
            click.option("--warehouse", type=click.Path(path_type=Path), help="The warehouse's folder."),
            click.option("--config", type=click.Path(path_type=Path), help="The configuration; default ./romi.yaml."),
        ):
            body = option(body)
        return group.command(name)(body)

    return decorate


def _unexpected(error: Exception) -> str:
    """What the machine says; of anything else only the kind, since its text may quote the data."""
    from operations.error_messages import describe_error

    line = describe_error(error)
    return f"{line}; ROMI_DEBUG=1 shows where" if line.startswith("unexpected ") else line


def entry() -> None:
    """The console script: wrong usage, too, is told in one line, and SIGTERM ends a command as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else str(error))
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message(), 2, "--json" in sys.argv)
    except click.Abort:
        _fail("interrupted; run it again to go on", 1, "--json" in sys.argv)


def _fail(message: str, code: int, as_json: bool) -> None:
    from operations import run_log

    line = " ".join(message.split())
    if run_log.is_json():
        run_log.tell("failed", line, level=logging.ERROR, exit_code=code)
        if not as_json:
            sys.exit(code)
    click.echo(json.dumps({"error": line, "exit_code": code}) if as_json else f"romi: {line}", err=not as_json)
    sys.exit(code)


@click.option("--prometheus", is_flag=True, help="Print metrics in Prometheus' text format.")
def _status(config: Path | None, warehouse: Path | None, as_json: bool, prometheus: bool) -> int:
    """Show the state of the warehouse: archives, records by fate, backlog, SLOs, what is published."""
    from operations import status
    from operations.store.locks import check_warehouse
    from orchestration.cli import show

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    if prometheus:
        return _metrics(settings)
    return show.status(status.overview(settings), as_json)


def _metrics(settings: Settings) -> int:
    from operations import metrics, status

    overview = status.overview(settings)
    click.echo(metrics.as_text(settings, overview["regions"], overview["slo"]), nl=False)
    return 0


@main.group()
def publish() -> None:
    """List the published versions, go back to one, and resume publishing."""


def _publish_list(config: Path | None, warehouse: Path | None, as_json: bool) -> None:
    """List the published versions, newest first."""
    from operations.store.locks import check_warehouse
    from operations.store.versions import pinned_version, versions
    from orchestration.cli import show

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    show.versions(versions(settings), pinned_version(settings), as_json)


@main.group("dead-letters")
def dead_letters() -> None:
    """Look at records that could not be loaded, and load them after a fix."""


@click.argument("version", type=int)
def _publish_rollback(config: Path | None, warehouse: Path | None, as_json: bool, version: int) -> None:
    """Go back to a version; it stays until `romi publish unpin`, whatever runs in between."""
    from operations.publishing.hand_on import hand_on
    from operations.store.rollback import rollback

    with _writing(config, warehouse) as settings:
        rollback(settings, version)
        problems = hand_on(settings)
    tell_problems(problems)
    _say({"current": version, "pinned": version}, f"version {version} is published, and pinned", as_json)


def _publish_unpin(config: Path | None, warehouse: Path | None, as_json: bool) -> None:
    """Let the next run publish again."""
    from operations.store.rollback import unpin

    with _writing(config, warehouse) as settings:
        was_pinned = unpin(settings)
    _say({"was_pinned": was_pinned}, "the next run publishes again" if was_pinned else "nothing was pinned", as_json)


@contextmanager
def _writing(config: Path | None, warehouse: Path | None) -> Iterator[Settings]:
    from operations.store.locks import check_warehouse, exclusive

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    with exclusive(settings):
        yield settings


def _say(facts: dict[str, Any], line: str, as_json: bool) -> None:
    click.echo(json.dumps(facts) if as_json else line)


@main.group()
def dsar() -> None:
    """Answer persons' requests: show what is held about them, correct it, erase it."""


@main.group("close", cls=cli_close.CloseGroup, subcommand_metavar="MONTH | COMMAND [ARGS]...")
def close() -> None:
    """Close a month (`romi close 2026-10`), reopen it, or verify that a closed one is unchanged."""


@main.group("files")
def files() -> None:
    """List the files that were read and what each gave; remove or reread one."""


@main.group()
def experiment() -> None:
    """Design experiments, and export data for marketing-mix models."""


@main.group()
def keys() -> None:
    """Rotate a region's key, and print public keys."""


@main.group()
def incidents() -> None:
    """Show what went wrong, by root cause: who is on it, what to do, and the review afterwards."""


@main.group()
def quarantine() -> None:
    """Set accepted orders and records aside, and take them back."""


@main.group()
def retention() -> None:
    """Dispose of data that is past its retention period."""


command(main, "run")(cli_run.run)
command(main, "backfill")(cli_run.backfill)
command(main, "recover")(cli_recover.recover)
command(main, "demo")(cli_run.demo)
command(main, "report")(cli_report.make_report)
command(main, "plan")(cli_plan.plan)
command(main, "move")(cli_move.move)
command(main, "status")(_status)
command(main, "doctor")(cli_health.doctor)
command(main, "accept-loss")(cli_health.accept_loss)
command(publish, "list")(_publish_list)
command(publish, "rollback")(_publish_rollback)
command(publish, "unpin")(_publish_unpin)
command(dead_letters, "list")(cli_dead_letters.list_letters)
command(dead_letters, "show")(cli_dead_letters.show_letter)
command(dead_letters, "replay")(cli_dead_letters.replay_letters)
command(close, "month")(cli_close.close_month)
command(close, "verify")(cli_close.verify_close)
command(files, "list")(cli_files.list_files)
command(files, "show")(cli_files.show_file)
command(files, "forget")(cli_files.forget_file)
command(main, "check")(cli_files.check_file)
command(files, "reread")(cli_reread.reread_files)
command(main, "init")(cli_files.write_first_config)
command(dsar, "access")(cli_subjects.access)
command(dsar, "export")(cli_subjects.export)
command(dsar, "erase")(cli_subjects.erase)
command(dsar, "rectify")(cli_subjects.rectify)
command(dsar, "status")(cli_subjects.show_requests)
command(keys, "rotate")(cli_keys.rotate)
command(keys, "public")(cli_keys.public)
command(incidents, "list")(cli_incidents.list_incidents)
command(incidents, "show")(cli_incidents.show_incident)
command(incidents, "ack")(cli_incidents.acknowledge)
command(incidents, "resolve")(cli_incidents.resolve)
command(incidents, "review")(cli_incidents.review)
command(incidents, "open")(cli_incidents.open_incident)
command(incidents, "tell")(cli_incidents.tell)
command(experiment, "design")(cli_experiment.design)
command(experiment, "panel")(cli_experiment.panel)
command(quarantine, "add")(cli_quarantine.add)
command(quarantine, "list")(cli_quarantine.list_quarantine)
command(quarantine, "release")(cli_quarantine.release)
command(retention, "apply")(cli_upkeep.apply_retention)
command(main, "backup")(cli_upkeep.make_backup)
command(main, "restore")(cli_upkeep.restore_backup)
command(main, "migrate")(cli_upkeep.migrate_warehouse)
command(main, "probe")(cli_probe.probe_published)
command(main, "audit")(cli_upkeep.audit_warehouse)

if __name__ == "__main__":
    entry()
