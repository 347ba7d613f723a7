"""`romi report`: one page for finance, marketing and the board, of a published version, that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version as release
from pathlib import Path
from typing import Any

from operations.reports import sums, tie_out, vega
from operations.reports.bridge import Totals, total
from operations.reports.cause import cause
from operations.reports.channels import MONEY, ON_BUYERS, brief, channels, regions
from operations.reports.cohorts import cohorts
from operations.reports.comparison import Comparison, compare
from operations.reports.credit_sources import FATES, credit_sources
from operations.reports.first_screen import Answer, answers
from operations.reports.marts import Marts, opened
from operations.reports.models import models
from operations.reports.period import Period, choose
from operations.reports.rates import rates_of_orders
from operations.reports.steps import bridge_table, waterfall
from operations.reports.tables import Table
from operations.reports.trend import days, months
from operations.reports.unknown import unknown
from operations.reports.waiting import WHY, waiting
from operations.reports.what_changed import booked, closed_as, what_changed
from operations.reports.words import money, shown
from operations.store.versions import current_version, version_dir
from settings import Settings, UsageError
from settings.durable import write_durably

_TEMPLATES = Path(__file__).with_name("templates")
_AMOUNT = re.compile(r"[+\N{MINUS SIGN}]?[^\s\w(]{0,3}\d[\d,]*\.\d\d")
_MONTHS = 13  # that the page shows, so that a month stands beside itself a year ago
_CHANGES = 60
# Where the page's sections are, what they are called in short, and the table that they need.
_SECTIONS = (
    ("left", "From revenue to margin", "waterfall"), ("why", "Why it moved", "bridge"),
    ("channels", "Channels", "channels"), ("regions", "Regions", "regions"), ("models", "Models", "models"),
    ("cause", "Cause", "cause"), ("trend", "Trend", "months"), ("cohorts", "Payback", "cohorts"),
    ("credit", "Credit", "credit_sources"), ("other", "(other)", "waiting"), ("unknown", "Not known", "unknown"),
    ("ledger", "Ledger", "ledger"),
    ("changed", "What changed", "what_changed"),
)  # fmt: skip


@dataclass(frozen=True)
class Content:
    """What the report says, before it is laid out. A table that the version does not publish is not there."""

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
    whole = total(sums.by_region(marts, period.month, period.last))
    return answers(marts, period, whole, compare(marts, period), channels(marts, period))


def report_file(settings: Settings) -> Path:
    """Where the report of what is published lies, written anew at each publish."""
    return settings.warehouse / "report" / "report.html"


def refresh(settings: Settings) -> Written | None:
    """Write the report of what is published now, if the one that lies there is of another version or release.

    Of a version that has no month there is none, and what lies there goes.

    Raises:
        OSError: it cannot be written.
    """
    current, page = current_version(settings), report_file(settings)
    if current is None or is_of(page, current):
        return None
    try:
        return write_report(version_dir(settings, current), page)
    except UsageError:
        page.unlink(missing_ok=True)
        return None


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
    whole, comparison = total(sums.by_region(marts, period.month, period.last)), compare(marts, period)
    found = (
        waterfall(whole), bridge_table(comparison, period) if comparison else None, brief(channels(marts, period)),
        regions(marts, period), models(marts, period), months(marts, _MONTHS), cohorts(marts),
        credit_sources(marts, period), cause(marts, period), waiting(marts, period), unknown(marts, period),
        tie_out.by_region(marts, period), rates_of_orders(marts, period.month),
        what_changed(marts, period, most=_CHANGES), booked(marts, period),
    )  # fmt: skip
    tables = {table.name: table for table in found if table}
    said = answers(marts, period, whole, comparison, tables["channels"])
    return Content(period, said, whole, comparison, tables, _charts(marts, tables))


def _charts(marts: Marts, tables: dict[str, Table]) -> dict[str, dict[str, Any]]:
    from operations.reports import charts  # it brings Altair with it, which only a report needs

    drawn = {name: charts.steps(tables[name]) for name in ("waterfall", "bridge") if name in tables}
    drawn["models"] = charts.span(tables["models"])
    if moved := days(marts):
        drawn["trend"] = charts.trend(moved)
    if "credit_sources" in tables:
        drawn["credit_sources"] = charts.shares(tables["credit_sources"], FATES)
    return drawn


def _page(marts: Marts, said: Content) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    engine = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    engine.filters["shown"] = shown
    engine.filters["unbroken"] = _unbroken
    engine.filters["money"] = partial(money, currency=marts.currency)
    scripts = [vega.script(), (_TEMPLATES / "page.js").read_text()]
    return engine.get_template("page.html").render(
        mark=_mark(marts.version), closed=closed_as(marts, said.period.month), why_other=WHY,
        terms=[one for one in (*MONEY, *ON_BUYERS) if one.note],
        sections=[(place, title) for place, title, table in _SECTIONS if table in said.tables],
        said=said, marts=marts, period=said.period, tables=said.tables, answers=said.answers,
        charts={"specs": said.charts, **_themes()},
        style=(_TEMPLATES / "page.css").read_text(), scripts=scripts,
        allowed=" ".join(f"'sha256-{_digest(text)}'" for text in scripts),
    )  # fmt: skip


def _themes() -> dict[str, dict[str, Any]]:
    return {"light": vega.theme(), "dark": vega.theme(dark=True), "paper": vega.theme(size=10)}


def _unbroken(text: str) -> Any:
    """The text with no line break inside an amount of money, whose sign a browser would part from it."""
    from markupsafe import Markup, escape

    return Markup(_AMOUNT.sub(r'<span class="amount">\g<0></span>', str(escape(text))))


def _digest(text: str) -> str:
    """What the page's policy knows a script by, so that the browser runs no other."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
