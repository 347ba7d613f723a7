"""`romi run`, `backfill` and `demo`: the pipeline, with its progress and its outcome shown."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from settings import Settings, TransientError, UsageError, load_settings

if TYPE_CHECKING:
    from orchestration.outcome import Outcome


log_option = click.option("--log-json", is_flag=True, help="Log as JSON, one object a line, on standard error.")
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N",
    help="How many regions are rebuilt at the same time; default: one for each processor, at most 4.",
)  # fmt: skip


@click.option(
    "--landing", metavar="DIR", help="The landing zone, a folder or s3://bucket/prefix; default: the configuration's."
)
@workers_option
@log_option
def run(
    config: Path | None, warehouse: Path | None, as_json: bool, landing: str | None, log_json: bool,
    workers: int | None,
) -> int:  # fmt: skip
    """Ingest what is new, transform, check, publish. Run again with nothing new, it changes nothing."""
    return _pipeline(load_settings(config, warehouse=warehouse, landing=landing), config, as_json, log_json, workers)


def _pipeline(
    settings: Settings, config: Path | None, as_json: bool, log_json: bool, workers: int | None = None
) -> int:  # fmt: skip
    from ingestion.landing import regions

    regions(settings)  # what a newcomer gets wrong is told before anything heavy is imported

    def work(pipeline: Any, on_wait: Callable[[str], None]) -> Outcome:
        found: Outcome = pipeline.run(settings, config, on_wait, workers=_side_by_side(settings, workers))
        return found

    return shown(settings, as_json, work, log_json=log_json)


def _side_by_side(settings: Settings, asked: int | None) -> int:
    from orchestration.side_by_side import usual_workers

    return asked or usual_workers(settings)


def shown(
    settings: Settings, as_json: bool, work: Callable[[Any, Callable[[str], None]], Outcome], *, log_json: bool = False
) -> int:
    """Have the pipeline do its work, with its progress and its outcome shown, and logged where that is asked for."""
    from operations import run_log
    from operations.error_messages import disk_trouble
    from operations.recovery import history
    from orchestration.cli import show
    from orchestration.cli.show_log import log_outcome, logged
    from orchestration.cli.show_progress import progress
    from settings.without_pandas import without_pandas

    click.get_current_context().with_resource(run_log.run_of())  # until the error that may end it is told
    # Most of a small run is importing, and what that makes is never garbage.
    gc.set_threshold(50_000, 20, 50)
    is_logged = log_json or settings.monitoring.logs == "json"
    with (
        history.measured() as span, without_pandas(),
        logged() if is_logged else progress(quiet=as_json) as on_wait,
    ):  # fmt: skip
        from orchestration import pipeline

        try:
            outcome = work(pipeline, on_wait)
        except Exception as error:
            if line := disk_trouble(error, settings.warehouse):
                raise TransientError(line) from error
            raise
        log_outcome(outcome)
    if outcome.version is not None:  # one that did all that a run does
        history.book_work(settings, "run", "", span.beyond)
    show.outcome(settings, outcome, as_json)
    return outcome.exit_code


@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first day.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day, included.")
@click.option("--region", metavar="R", help="One region; default: all that have data for these days.")
@workers_option
@log_option
def backfill(
    config: Path | None, warehouse: Path | None, as_json: bool, first: datetime, last: datetime, region: str | None,
    log_json: bool, workers: int | None,
) -> int:  # fmt: skip
    """Rebuild days from what is in the warehouse, check them and publish; sound data stays as it is."""
    from operations.store.locks import check_warehouse

    if first > last:
        raise UsageError(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}")
    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    days = first.date(), last.date()

    def work(pipeline: Any, on_wait: Callable[[str], None]) -> Outcome:
        count = _side_by_side(settings, workers)
        found: Outcome = pipeline.backfill(settings, config, *days, region, on_wait, workers=count)
        return found

    return shown(settings, as_json, work, log_json=log_json)


@click.option(
    "--days",
    type=click.IntRange(min=1),
    help="Days of the sample shop, up to yesterday; default: two full months and the running one.",
)
@click.option("--events", default=150_000, show_default=True, help="Records of the sample shop.")
@click.option("--landing", metavar="DIR", help="Where to make the landing zone; default: the configuration's.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), help="What builds the models; default: duckdb.")
def demo(
    config: Path | None, warehouse: Path | None, as_json: bool, landing: str | None, days: int | None, events: int,
    engine: Literal["duckdb", "spark"] | None,
) -> int:  # fmt: skip
    """Make a sample landing zone (three regions) and run the pipeline on it."""
    from operations.sample_shop import demo as sample
    from orchestration.cli import show_demo
    from orchestration.cli.show_progress import sample_progress

    path = config or Path("romi.yaml")
    if not path.exists():
        _write_demo_config(path, engine)
    settings = load_settings(path, warehouse=warehouse, landing=landing)
    if engine and engine != settings.engine:
        raise UsageError(f"{path} has `engine: {settings.engine}`; change it there, or run the demo in another folder")
    with sample_progress(quiet=as_json, total=events) as tell:
        sample.prepare(settings, days, events, tell)
    code = _pipeline(settings, path, as_json, log_json=False)
    if not as_json:
        show_demo.demo_summary(settings)
    return code


def _write_demo_config(path: Path, engine: Literal["duckdb", "spark"] | None) -> None:
    from operations import sample_shop
    from operations.rebuilding.engine.spark_session import check_installed

    text = sample_shop.config_yaml()
    if engine == "spark":
        check_installed(Settings(engine="spark"))
        text += "\nengine: spark\n"
    write_config(path, text)


def write_config(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
