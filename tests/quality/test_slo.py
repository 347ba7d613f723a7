"""Service levels by hand: achieved, budget left, burn rates, and too little volume to judge a day by itself."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as options
from hypothesis import strategies as st

from quality.slo import FACTS, judge, objectives, pooled
from settings import Settings, Slo
from tests.kit.examples import examples

DAY = date(2026, 3, 10)


@pytest.fixture(scope="module")
def con():
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


def judged(con, facts, settings=None, slo="accuracy"):
    """The row of each day of `facts`: (moment, events, bad or None[, value])."""
    columns = ", ".join(f"{name} {type_}" for name, type_ in FACTS.items())
    con.execute(f"create or replace temp table facts ({columns})")
    for at, events, bad, *value in facts:
        con.execute(
            "insert into facts values ('eu', ?, ?, ?, ?, ?, ?)", [slo, at.date(), at, events, bad, *(value or [None])]
        )
    judge(con, settings or Settings())
    cursor = con.execute("from slo_days order by date")
    names = [column[0] for column in cursor.description]
    return {row[names.index("date")]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def at(hour, minute=0, day=DAY):
    return datetime(day.year, day.month, day.day, hour, minute)


def test_a_day_with_volume_is_judged_by_itself(con):
    before = at(9, day=DAY - timedelta(1))
    row = judged(con, [(before, 5000, 500), (at(9), 600, 0), (at(10), 400, 1)])[DAY]
    assert (row["achieved"], row["is_met"], row["judged_from"]) == (0.999, True, DAY)
    assert (row["events"], row["bad_events"], row["unit"], row["objective"]) == (1000, 1, "share", 0.999)


def test_a_day_of_too_little_volume_is_judged_with_the_days_before_it(con):
    days = [(at(9, day=DAY - timedelta(n)), 400, 0) for n in (1, 2, 3)]
    row = judged(con, [*days, (at(9), 300, 1)])[DAY]
    assert (row["judged_from"], row["is_met"], row["events"]) == (DAY - timedelta(2), True, 300)
    assert row["achieved"] == 1 - 1 / 1100
    assert not judged(con, [*days[:1], (at(9), 300, 1)])[DAY]["is_met"]


def test_what_happened_more_than_27_days_before_has_no_say(con):
    row = judged(con, [(at(9, day=DAY - timedelta(28)), 100_000, 0), (at(9), 300, 1)])[DAY]
    assert (row["judged_from"], row["is_met"]) == (DAY, False)


def test_the_budget_of_28_days_is_spent_and_overspent(con):
    old = (at(9, day=DAY - timedelta(28)), 1000, 900)
    rows = judged(con, [old, (at(9, day=DAY - timedelta(27)), 2000, 1), (at(9), 2000, 1)])
    assert rows[DAY]["error_budget_left"] == pytest.approx(0.5)
    assert rows[DAY - timedelta(28)]["error_budget_left"] == pytest.approx(-899)


def test_an_objective_of_one_forgives_nothing(con):
    settings = Settings(slo=Slo(accuracy=Decimal(1)))
    assert judged(con, [(at(9), 10, 0)], settings)[DAY]["error_budget_left"] == 1
    row = judged(con, [(at(9), 10**6, 1)], settings)[DAY]
    assert (row["is_met"], row["error_budget_left"]) == (False, 0)


@pytest.mark.parametrize(
    ("facts", "alert", "column"),
    [
        ([(at(10, 5 * n), 10, 0 if n < 9 else 1) for n in range(12)], "page", "burn_rate_1h"),
        ([(at(10 + n // 12, 5 * n % 60), 100, 1) for n in range(72)], "page", "burn_rate_6h"),
        ([(at(n % 24, day=DAY - timedelta(n // 24)), 100, n % 8 == 0) for n in range(72)], "ticket", "burn_rate_3d"),
    ],
)
def test_a_budget_that_burns_too_fast_is_an_alert(con, facts, alert, column):
    row = judged(con, sorted(facts))[DAY]
    assert row["alert"] == alert
    assert row[column] > {"burn_rate_1h": 14.4, "burn_rate_6h": 6, "burn_rate_3d": 1}[column]


@pytest.mark.parametrize(
    "facts",
    [
        [(at(10), 40, 40)],  # fewer than the minimum volume
        [(at(10), 60, 1)],  # one alone
        [(at(10), 100, 0), (at(11), 100, 0)],
        [(at(h, day=DAY - timedelta(d)), 1000, h == 0) for d in (2, 1, 0) for h in range(24)],  # 1 in 24,000
    ],
)
def test_what_is_little_or_slow_is_no_alert(con, facts):
    assert {row["alert"] for row in judged(con, facts).values()} == {None}


def test_burn_rates_are_those_of_the_worst_moment_and_null_without_volume(con):
    row = judged(con, [(at(10), 100, 5), (at(10, 55), 100, 0), (at(15), 100, 0)])[DAY]
    assert row["burn_rate_1h"] == pytest.approx(50)  # 5 of 100 over 0.1%
    assert row["burn_rate_6h"] == pytest.approx(50)
    quiet = judged(con, [(at(10), 49, 0)])[DAY]
    assert (quiet["burn_rate_1h"], quiet["burn_rate_3d"]) == (None, None)


def test_a_percentile_is_that_of_all_values_judged_together(con):
    facts = [(at(9, day=DAY - timedelta(1)), 1, None, float(n)) for n in range(1, 91)]
    facts += [(at(9), 1, None, value) for value in (10.0,) * 9 + (500.0,)]
    row = judged(con, facts, slo="ingest_latency_ms")[DAY]
    assert (row["objective"], row["achieved"], row["bad_events"], row["is_met"]) == (200, 90, 1, True)
    assert (row["unit"], row["judged_from"]) == ("ms", DAY - timedelta(1))


@options(max_examples=examples(40, fast=10), deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), min_size=1, max_size=40))
def test_pooling_takes_the_fewest_days_that_are_enough(counts):
    volume = objectives(Settings())["accuracy"].volume
    assert volume == 1000
    days = {DAY + timedelta(n): (events, min(bad, events)) for n, (events, bad) in enumerate(counts) if events}
    rows = " union all ".join(
        f"select 'eu' as region, 'accuracy' as slo, date '{day}' as date, {events} as events, {bad} as bad,"
        " 1000 as volume"
        for day, (events, bad) in days.items()
    )
    found = duckdb.execute(f"select date, judged_from, events, bad from ({pooled(rows)})").fetchall() if rows else []
    assert len(found) == len(days)
    for day, judged_from, events, bad in found:
        inside = {one: count for one, count in days.items() if judged_from <= one <= day}
        assert (events, bad) == tuple(map(sum, zip(*inside.values(), strict=True)))
        assert (day - judged_from).days < 28
        if events >= volume:
            assert events - days[judged_from][0] < volume
        else:
            assert judged_from == min(one for one in days if (day - one).days < 28 and one <= day)
