"""`romi report`: one page for finance, marketing and the board, of a published version, that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version as release
from pathlib import Path
from typing import Any

from operations.reports import charts, sums, vega
from operations.reports.bridge import Totals, total
from operations.reports.channels import channels, regions
from operations.reports.comparison import Comparison, compare
from operations.reports.first_screen import Answer, answers
from operations.reports.marts import Marts, opened
from operations.reports.models import models
from operations.reports.period import Period, choose
from operations.reports.tables import Table
from operations.reports.unknown import unknown
from operations.reports.words import money, shown
from settings import Settings
from settings.durable import write_durably

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Content:
    """What the report says, before it is laid out."""

    period: Period
    answers: tuple[Answer, ...]
    whole: Totals
    comparison: Comparison | None
    tables: dict[str, Table]
    charts: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Written:
    """What a report that was written is about, and its first screen."""

    version: int
    month: date
    answers: tuple[Answer, ...]


def write_report(version: Path, out: Path, *, month: date | None = None) -> Written:
    """Write the report on a month of a published version as one HTML file that fetches nothing.

    Args:
        version: a version's folder, with ``marts.duckdb``, or the link to one.
        out: the file to write; one that is there is replaced whole.
        month: any day of the month to report on; by default the last whole one that has one to compare with.

    Raises:
        UsageError: there is no version, or it holds nothing of the month.
        OSError: the file cannot be written.
    """
    with opened(version) as marts:
        said = content(marts, month)
        page = _page(marts, said)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_durably(out, page, mode=0o640)
    return Written(marts.version, said.period.month, said.answers)


def first_screen(version: Path, month: date | None = None) -> Written:
    """What :func:`write_report` would write, without writing it."""
    with opened(version) as marts:
        period = choose(marts, month)
        return Written(marts.version, period.month, _answers(marts, period))


def _answers(marts: Marts, period: Period) -> tuple[Answer, ...]:
    whole = sums.by_region(marts, period.month, period.last)
    return answers(marts, period, whole, compare(marts, period), channels(marts, period))


def report_file(settings: Settings) -> Path:
    """Where the report of what is published lies, written anew at each publish."""
    return settings.warehouse / "report" / "report.html"


def is_of(page: Path, version: int) -> bool:
    """Whether a report that lies there is of this version; one of another release may look otherwise."""
    try:
        with page.open() as file:
            return _mark(version) in file.read(500)
    except (OSError, ValueError):
        return False


def _mark(version: int) -> str:
    return f'data-version="{version}" data-release="{release("romi-warehouse")}"'


def content(marts: Marts, month: date | None) -> Content:
    """Everything that the report on a month says."""
    period = choose(marts, month)
    whole = sums.by_region(marts, period.month, period.last)
    comparison = compare(marts, period)
    tables = {
        "channels": channels(marts, period),
        "regions": regions(marts, period),
        "models": models(marts, period),
        "unknown": unknown(marts, period),
    }
    drawn = {"waterfall": charts.waterfall(total(whole)), "models": charts.span(tables["models"])}
    if comparison:
        drawn["bridge"] = charts.bridge(comparison, period.before_name, period.compared_name)
    said = answers(marts, period, whole, comparison, tables["channels"])
    return Content(period, said, total(whole), comparison, tables, drawn)


def _page(marts: Marts, said: Content) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    engine = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    engine.filters["shown"] = shown
    engine.filters["money"] = partial(money, currency=marts.currency)
    scripts = [vega.script(), (_TEMPLATES / "page.js").read_text()]
    return engine.get_template("page.html").render(
        mark=_mark(marts.version), said=said, marts=marts, period=said.period, tables=said.tables, answers=said.answers,
        charts={"specs": said.charts, "light": vega.theme(dark=False), "dark": vega.theme(dark=True)},
        style=(_TEMPLATES / "page.css").read_text(), scripts=scripts,
        allowed=" ".join(f"'sha256-{_digest(text)}'" for text in scripts),
    )  # fmt: skip


def _digest(text: str) -> str:
    """What the page's policy knows a script by, so that the browser runs no other."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
