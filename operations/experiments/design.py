"""How to lay out an experiment, from a region's own history: groups, size, length, smallest detectable effect."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import duckdb

from ingestion.books import region_file
from operations.dead_letters import regions
from operations.rebuilding.rules import is_built
from settings import Settings, UsageError

LENGTHS = (14, 28, 56)
_DRAWS = 400
FEWEST_GEOGRAPHIES, FEWEST_PERSONS = 10, 60  # in both arms; fewer are told nothing of, as in finance.experiment_lift


@dataclass(frozen=True)
class History:
    """What users, known before a stretch of days, bought in it and in as many days before.

    Attributes:
        mean, variance: of the revenue of one, in cents.
        correlation: of what one bought in the days with what in those before; 0 where there is none.
    """

    persons: int
    mean: float
    variance: float
    correlation: float


@dataclass(frozen=True)
class Size:
    """What an experiment of some days would be able to show.

    Attributes:
        smallest_effect: relative to the revenue of a person or geography, with the power and confidence asked for; None
            where history tells nothing.
        with_cuped: the same, adjusted for what persons bought before (CUPED); None where that helps by less than 5%.
    """

    days: int
    treated: int
    control: int
    smallest_effect: float | None
    with_cuped: float | None = None


def reach(confidence: float, power: float) -> float:
    """How many standard errors an effect must be to be shown, by a two-sided test."""
    normal = NormalDist()
    return normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)


def size_of_persons(history: History, days: int, control_share: float, confidence: float, power: float) -> Size:
    """An experiment on drawn persons. Whom no advert reached counts in the arm all the same: intention to treat."""
    control = round(history.persons * control_share)
    treated = history.persons - control
    if history.persons < FEWEST_PERSONS or min(control, treated) < 2 or history.mean <= 0:
        return Size(days, treated, control, None)
    error = math.sqrt(history.variance * (1 / treated + 1 / control)) / history.mean
    effect = reach(confidence, power) * error
    adjusted = effect * math.sqrt(1 - history.correlation**2)
    return Size(days, treated, control, effect, adjusted if adjusted < 0.95 * effect else None)


def draw_geographies(before: Mapping[str, float], seed: str) -> tuple[list[str], list[str]]:
    """Treated and control geographies: of each two neighbours by revenue, one at random. The same for the same seed."""
    draw = random.Random(seed)
    ordered = sorted(before, key=lambda one: (-before[one], one))
    arms: tuple[list[str], list[str]] = ([], [])
    for pair in zip(ordered[::2], ordered[1::2], strict=False):
        first = draw.randrange(2)
        arms[0].append(pair[first])
        arms[1].append(pair[1 - first])
    return arms


def size_of_geographies(
    before: Mapping[str, float], after: Mapping[str, float], days: int, confidence: float, power: float
) -> Size:
    """An experiment on geographies, by how far apart arms come that nobody treated: hundreds of draws on the past.

    Args:
        before, after: revenue by geography in two stretches of `days`, the later one with nothing tried.
    """
    lifts = []
    for n in range(_DRAWS):
        treated, control = draw_geographies(before, f"{days} {n}")
        if (lift := lift_of(before, after, treated, control)) is not None:
            lifts.append(lift)
    size = len(before) // 2
    if len(before) < FEWEST_GEOGRAPHIES or len(lifts) < _DRAWS // 2:
        return Size(days, size, size, None)
    spread = math.hypot(stdev(lifts), fmean(lifts))  # what is off on average is an error as well
    return Size(days, size, size, reach(confidence, power) * spread)


def lift_of(
    before: Mapping[str, float], after: Mapping[str, float], treated: Sequence[str], control: Sequence[str]
) -> float | None:
    """Growth of the treated over that of the control, less 1; None where an arm bought nothing."""
    sums = [sum(of.get(one, 0) for one in arm) for arm in (treated, control) for of in (before, after)]
    if min(sums[0], sums[2], sums[3]) <= 0:
        return None
    return (sums[1] / sums[0]) / (sums[3] / sums[2]) - 1


def history_of_persons(con: duckdb.DuckDBPyConnection, days: int) -> History:
    """The last `days` of a region's open file, of users who were known before them."""
    row = con.execute(f"""
        with ends as (select max(ordered_on) as last_on from intermediate.int_orders__conversions where is_priced),
        users as (
            select user_id as person_id from raw.events, ends where user_id is not null
            group by user_id, last_on having min(occurred_at) < last_on - {days - 1}
        ),
        bought as (
            select person_id, sum(revenue_cents) filter (ordered_on > last_on - {days}) as y,
                sum(revenue_cents) filter (ordered_on <= last_on - {days}) as x
            from intermediate.int_orders__conversions, ends
            where is_priced and ordered_on > last_on - {2 * days} group by person_id
        ),
        outcomes as (
            select coalesce(y, 0)::double as y, coalesce(x, 0)::double as x
            from users left join bought using (person_id)
        )
        select count(*), coalesce(avg(y), 0), coalesce(var_samp(y), 0),
            case when var_pop(x) > 0 and var_pop(y) > 0 then corr(x, y) else 0 end from outcomes""").fetchone()
    assert row
    return History(*row)


def history_of_geographies(con: duckdb.DuckDBPyConnection, days: int) -> tuple[dict[str, float], dict[str, float]]:
    """Revenue by geography, where events name one of an order: of the `days` before the last ones, and of those."""
    rows = con.execute(f"""
        with ends as (select max(ordered_on) as last_on from intermediate.int_orders__conversions where is_priced),
        places as (
            select order_id, any_value(geography) as geography from raw.events
            where geography is not null and order_id is not null group by order_id
        )
        select geography, coalesce(sum(revenue_cents) filter (ordered_on <= last_on - {days}), 0)::double,
            coalesce(sum(revenue_cents) filter (ordered_on > last_on - {days}), 0)::double
        from intermediate.int_orders__conversions join places using (order_id), ends
        where is_priced and ordered_on > last_on - {2 * days} group by geography""").fetchall()
    return {place: x for place, x, _ in rows}, {place: y for place, _, y in rows}


@dataclass(frozen=True)
class Layout:
    """What an experiment in a region could show, by its length; and of geographies, which arm each is in."""

    region: str
    sizes: list[Size]
    treated: list[str]
    control: list[str]


def lay_out(
    settings: Settings, region: str | None, *, assignment: str, name: str, control_share: float, confidence: float,
    power: float,
) -> Layout:  # fmt: skip
    """Lay an experiment out by the latest history of a region's file, which is only read.

    Args:
        assignment: ``pseudonym`` or ``geography``, as the configuration calls them.
        name: what the experiment is to be called; geographies are drawn by it.

    Raises:
        UsageError: the region is unknown, or has no orders yet; or there are several and none is named.
    """
    names = regions(settings, region)
    if len(names) != 1:
        raise UsageError(f"name the region with --region, one of {', '.join(names)}")
    sizes: list[Size] = []
    arms: tuple[list[str], list[str]] = ([], [])
    with region_file(settings, names[0], read_only=True) as con:
        if not is_built(con):
            raise UsageError(f"{names[0]} has no orders yet: `romi run` builds them")
        for days in LENGTHS:
            if assignment == "pseudonym":
                history = history_of_persons(con, days)
                sizes.append(size_of_persons(history, days, control_share, confidence, power))
            else:
                before, after = history_of_geographies(con, days)
                sizes.append(size_of_geographies(before, after, days, confidence, power))
                arms = draw_geographies(after, name)
    return Layout(names[0], sizes, *arms)
