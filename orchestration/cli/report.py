"""`romi report`: the page and the workbook for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from settings import UsageError, load_settings

if TYPE_CHECKING:
    from operations.reports.report import Written


@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where to write the page; default: report/report.html in the warehouse.")  # fmt: skip
@click.option("--xlsx", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the workbook as well, with live formulas.")  # fmt: skip
@click.option("--month", type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM",
              help="The month to report on; default: the last whole one that has one to compare with.")  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def make_report(
    config: Path | None, warehouse: Path | None, as_json: bool, out: Path | None, xlsx: Path | None,
    month: datetime | None, opens: bool,
) -> int:  # fmt: skip
    """Write a page for people that works offline, and a workbook: what was spent, what came back, why it moved."""
    from operations.reports.report import report_file, write_report
    from operations.reports.workbook import write_workbook
    from operations.store.locks import check_warehouse

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    page, chosen = out or report_file(settings), month.date() if month else None
    with _writing(page):
        written = write_report(settings.published, page, month=chosen)
    if xlsx:
        with _writing(xlsx):
            write_workbook(settings.published, xlsx, month=chosen)
    if as_json:
        click.echo(json.dumps(_facts(written, page, xlsx)))
    else:
        _tell(written, page, xlsx)
    if opens:
        click.launch(page.absolute().as_uri())
    return 0


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _facts(written: Written, page: Path, xlsx: Path | None) -> dict[str, object]:
    return {
        "report": str(page), "workbook": str(xlsx) if xlsx else None, "version": written.version,
        "month": f"{written.month:%Y-%m}",
        "answers": [{"question": one.question, "figure": one.figure, "words": one.words} for one in written.answers],
    }  # fmt: skip


def _tell(written: Written, page: Path, xlsx: Path | None) -> None:
    say_first_screen(written)
    click.echo(f"report: {page}")
    if xlsx:
        click.echo(f"workbook: {xlsx}")


def say_first_screen(written: Written) -> None:
    """The report's first screen as lines of text."""
    from orchestration.cli.console import printable

    click.echo()
    for one in written.answers:
        is_sentence = one.words[:1].isupper()  # rather than what goes on after the figure
        click.echo(f"{one.question}  {one.figure}{'.' * is_sentence} {printable(one.words)}")
