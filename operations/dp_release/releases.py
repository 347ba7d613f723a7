"""What a region releases under differential privacy: which months are due, and their draws from the budget book."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from ingestion.books import region_file
from operations.publishing.region_marts import RegionState, read_region
from privacy import release
from privacy.budget import BudgetBook, BudgetError, Draw, Release
from settings import PermanentError, Settings, now

# How far the input has to be past a month's end before its one release: what comes later has only the reserve.
SETTLED_AFTER = timedelta(days=3)
# How sure a correction has to be, cell by cell, that the month moved; over all its 46 cells about 1 in 200 is wrong.
_SURE = 1 - 1e-4
_CREDITS = """
    select person_id, channel, sum(conversion_millionths.{model}),
        sum(credits.revenue_cents.{model} - credits.refund_cents.{model})
    from intermediate.int_attribution__touch_credits as credits
    join intermediate.int_orders__conversions as orders using (order_id, ordered_on)
    where ordered_on between $month::date and last_day($month::date)
        and conversion_millionths.{model} + abs(credits.revenue_cents.{model}) + abs(credits.refund_cents.{model}) > 0
        and person_id is not null
    group by all"""


@dataclass(frozen=True)
class Due:
    """A month, by its first day, that may be drawn now."""

    month: date
    release: Release
    is_final: bool  # nothing of it will change but for later corrections of the ledger


@dataclass
class Outcome:
    """What :func:`release_due` came to; months are named by their first day."""

    drawn: list[tuple[date, Release]] = field(default_factory=list)
    refused: dict[date, str] = field(default_factory=dict)  # corrections for which there is no budget


def budget_book(settings: Settings, region: str) -> BudgetBook:
    """The region's book. It lies beside the region files, and a restore merges it."""
    return BudgetBook(settings.warehouse / "books" / region / "release.jsonl", region)


def release_due(settings: Settings, region: str, *, clock: Callable[[], datetime] = now) -> Outcome:
    """Draw what is due for the region and not drawn yet; with nothing due, do nothing. The caller holds the warehouse.

    Raises:
        RegionLateError: its file cannot be read now.
        PermanentError: the book does not know a month that is published, or cannot be read.
    """
    book, outcome = budget_book(settings, region), Outcome()
    for one in due(settings, region):
        try:
            draw_month(settings, region, one, book, clock().isoformat())
            outcome.drawn.append((one.month, one.release))
        except BudgetError as error:
            outcome.refused[one.month] = str(error)
    return outcome


def due(settings: Settings, region: str) -> list[Due]:
    """The months to release for the first time, and those to correct, oldest first.

    What is due follows from the calendar, the input watermark and the quality gate, never from what persons did in
    the month. A month is corrected once, when it is final, unless it was final already at its first release.
    """
    state = read_region(settings, region, with_rows=False).state
    draws = budget_book(settings, region).draws()
    _check_published(settings, region, {month for month, _ in draws})
    has_reserve = settings.privacy.epsilon_reserve_per_month > 0
    found = []
    for month, is_final in _settled_months(settings, region, state):
        first = draws.get((month, "first"))
        if not first:
            found.append(Due(month, "first", is_final))
        elif is_final and has_reserve and not first.result["is_final"] and (month, "correction") not in draws:
            found.append(Due(month, "correction", is_final))
    return found


def draw_month(settings: Settings, region: str, asked: Due, book: BudgetBook, at: str) -> Draw:
    """The month's draw: stored, or drawn now from the region's file.

    Raises:
        BudgetError: it would exceed ``epsilon_per_month``, or with a correction ``epsilon_reserve_per_month`` on top.
    """
    rules = settings.privacy
    first = book.draws().get((asked.month, "first"))
    epsilon, limit = rules.epsilon_per_month, rules.epsilon_per_month
    if asked.release == "correction":
        epsilon, limit = rules.epsilon_reserve_per_month, limit + rules.epsilon_reserve_per_month
    make = partial(_result, settings, region, asked, first)
    return book.draw(asked.month, asked.release, epsilon, limit, at, make)


def credits_of(con: duckdb.DuckDBPyConnection, month: date, model: str) -> list[release.Credit]:
    """Each known person's credit of the month by channel, before bounding; orders without a person are left out."""
    return con.execute(_CREDITS.format(model=model), {"month": month}).fetchall()


def in_force(draws: dict[tuple[date, Release], Draw]) -> Iterator[Draw]:
    """The draw of each month that is published, oldest first.

    A correction is drawn from a quarter of the budget and so less precise: it stands only where the two draws differ
    by more than their noise explains. That looks at nothing but what was drawn, and so costs and tells nothing.
    """
    for month in sorted({month for month, _ in draws}):
        correction = draws.get((month, "correction"))
        yield correction if correction and correction.result["has_moved"] else draws[month, "first"]


def _result(settings: Settings, region: str, asked: Due, first: Draw | None, epsilon: Decimal) -> dict[str, Any]:
    """One draw of the month, with all that is needed to read it."""
    rules = settings.privacy
    caps = {"conversions": rules.conversion_cap * 10**6, "net_revenue": int(rules.contribution_cap * 100)}
    with region_file(settings, region, read_only=True) as con:
        credits = credits_of(con, asked.month, rules.release_model)
    noise = release.scales(caps, Fraction(epsilon))
    if release.cost(caps, noise) > epsilon:
        raise PermanentError(f"{region}: the noise for {asked.month:%Y-%m} is less than epsilon {epsilon} allows")
    drawn = release.draw(release.bounded(credits, caps), noise)
    result = {
        "model": rules.release_model, "currency": settings.reporting_currency, "caps": caps,
        "scales": {measure: [one.total, one.channels] for measure, one in noise.items()},
        "half_widths": {
            measure: {level: _half_width((one,), level) for level in ("total", "channels")}
            for measure, one in noise.items()
        },
        "totals": drawn.totals,
        "channels": {measure: dict(zip(release.CHANNELS, drawn.channels[measure], strict=True)) for measure in noise},
        "is_final": asked.is_final,
    }  # fmt: skip
    return result | ({"has_moved": _has_moved(first.result, result)} if first else {})


def _has_moved(first: dict[str, Any], second: dict[str, Any]) -> bool:
    for measure in release.MEASURES:
        both = tuple(release.Scales(*one["scales"][measure]) for one in (first, second))
        pairs = zip(first["channels"][measure].values(), second["channels"][measure].values(), strict=True)
        shift = abs(first["totals"][measure] - second["totals"][measure])
        if shift > _half_width(both, "total", _SURE):
            return True
        if max(abs(one - other) for one, other in pairs) > _half_width(both, "channels", _SURE):
            return True
    return False


@cache
def _half_width(noise: tuple[release.Scales, ...], level: str, confidence: float = 0.95) -> int:
    return release.half_width(list(noise), level, confidence)


def _settled_months(settings: Settings, region: str, state: RegionState) -> Iterator[tuple[date, bool]]:
    """The months that are over, with nothing withheld or waiting for its rebuild, and whether they are final."""
    with region_file(settings, region, read_only=True) as con:
        # Loaded, and not planned yet: any month may be about to change.
        is_planned = con.execute("select count(*) from ops.changes").fetchall() == [(0,)]
        month = _first_month(con, settings)
        open_months = con.execute("select distinct date_trunc('month', day)::date from ops.days where not is_final")
        not_final = {found for (found,) in open_months.fetchall()}
    if state.input_watermark is None or month is None or not is_planned:
        return
    zone = ZoneInfo(settings.region(region).timezone)
    passed = datetime.fromisoformat(state.input_watermark).replace(tzinfo=UTC).astimezone(zone).date() - SETTLED_AFTER
    final_through = date.fromisoformat(state.final_through) if state.final_through else date.min
    held_back = {date.fromisoformat(day).replace(day=1) for day in state.withheld_days}
    while (following := (month + timedelta(days=31)).replace(day=1)) <= passed:
        if month not in held_back:
            yield month, final_through >= following - timedelta(days=1) and month not in not_final
        month = following


def _first_month(con: duckdb.DuckDBPyConnection, settings: Settings) -> date | None:
    """The month that releases begin with: of the first advertising cost, else of the first load.

    Which months are there must not hang on when one person was first seen. Events older than ``raw_days`` at the first
    load are not there, so that cost from before then begins nothing.
    """
    cost, load = con.execute("""
        select (select min(spend_on) from raw.spend), (select min(first_seen_at)::date from ops.archives)
        """).fetchall()[0]  # fmt: skip
    if load is None:
        return None
    oldest = load - timedelta(days=settings.retention.raw_days)
    first: date = load if cost is None else max(cost, oldest)
    return first.replace(day=1)


def _check_published(settings: Settings, region: str, known: set[date]) -> None:
    """A month that is published and not in the book would be drawn a second time: the book was lost, not the budget."""
    path = settings.published.resolve() / "released.duckdb"
    if not path.is_file():
        return
    if lost := sorted(_published_months(path, region) - known):
        raise PermanentError(
            f"{region}: the budget book lacks {', '.join(f'{month:%Y-%m}' for month in lost)}, published before:"
            " merge a backup of the book"
        )


def _published_months(path: Path, region: str) -> set[date]:
    try:
        with duckdb.connect(str(path), read_only=True) as con:  # whose name is that of the schema in it
            query = "select distinct month from released.released.channel_monthly where region = ?"
            return {month for (month,) in con.execute(query, [region]).fetchall()}
    except duckdb.Error as error:
        raise PermanentError(
            f"{path} is damaged, or no database; the regions' files are safe: `romi doctor` says what mends it"
        ) from error
