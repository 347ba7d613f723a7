"""What is known about cause beside what is attributed: bounds that hold, and experiments in their months."""

import random
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from operations.finance_tables.incremental import fill_incremental
from operations.finance_tables.version_tables import create_tables

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
ENDS = "incremental_margin, incremental_margin_low, incremental_margin_high"
MODELS = ("linear", "first_touch", "last_touch")


@pytest.fixture
def version():
    con = duckdb.connect()
    create_tables(con)
    yield con
    con.close()


def month(con, cells, first=MARCH):
    """Cells (channel, campaign, spend, {model: margin}) of a month."""
    for channel, campaign, spend, margins in cells:
        con.executemany(
            """insert into finance.romi_monthly by name
            select ?::date as month, 'eu' as region, ? as channel, ? as campaign, ? as attribution_model, ? as spend,
                ? as margin, true as is_final, false as is_partial""",
            [[first, channel, campaign, model, spend, margin] for model, margin in margins.items()],
        )


def shown(con, columns):
    return con.execute(f"select {columns} from finance.incremental_romi order by all").fetchall()


def test_without_an_experiment_there_are_bounds_alone(version):
    month(version, [
        ("Paid Search", "a", 100, {"linear": 40, "first_touch": 10, "last_touch": 90}),
        ("Paid Search", "b", 20, {"linear": 5, "first_touch": 0, "last_touch": 30}),
        ("Email", "(none)", 0, {"linear": -80}),
        ("(unattributed)", "(none)", 0, dict.fromkeys(MODELS, 25)),
        ("(other)", "(other)", 0, {"linear": 1, "first_touch": 60, "last_touch": 2}),
    ])  # fmt: skip
    fill_incremental(version, "linear")
    figures = (
        "channel, spend, attributed_margin, incremental_margin, incremental_margin_low, incremental_margin_high, grade"
    )
    assert shown(version, figures) == [
        ("Email", 0, -80, None, 0, 0, "C"),
        ("Paid Search", 120, 45, None, 0, 90 + 30 + 25 + 2, "C"),
    ]
    assert shown(
        version, "channel, attributed_romi, incremental_romi, incremental_romi_low, incremental_romi_high"
    ) == [
        ("Email", None, None, None, None),
        ("Paid Search", (45 - 120) / 120, None, -1.0, (147 - 120) / 120),
    ]


def test_an_experiment_stands_in_its_months_in_proportion_to_spend(version):
    for first, spend in ((MARCH, 200), (APRIL, 100), (date(2026, 5, 1), 100)):
        month(version, [("Paid Search", "a", spend, {"linear": 500})], first)
    lift = """insert into finance.experiment_lift by name
        select ? as experiment, 'eu' as region, 'Paid Search' as channel, ? as campaign, ? as assignment,
            date '2026-03-20' as from_date, ?::date as to_date, 50 as spend, ? as incremental_margin,
            10 as incremental_margin_low, 40 as incremental_margin_high"""
    version.executemany(lift, [
        ["persons", "(all)", "events", date(2026, 4, 10), 30], ["places", "(all)", "geography", date(2026, 4, 30), 77],
        ["one campaign", "a", "events", date(2026, 4, 30), 88], ["running", "(all)", "events", date(2026, 4, 30), None],
    ])  # fmt: skip
    fill_incremental(version, "linear")
    assert shown(version, f"month, {ENDS}, grade") == [
        (MARCH, 120, 40, 160, "A"),
        (APRIL, 60, 20, 80, "A"),
        (date(2026, 5, 1), None, 0, 500, "C"),
    ]
    version.execute(
        "delete from finance.incremental_romi; delete from finance.experiment_lift where experiment = 'persons'"
    )
    fill_incremental(version, "linear")
    places = "experiment places, 2026-03-20 to 2026-04-30, in proportion to spend"
    assert shown(version, "month, grade, source")[:2] == [(MARCH, "B", places), (APRIL, "B", places)]


@pytest.mark.parametrize("seed", range(10))
def test_bounds_hold_what_a_channel_caused_where_its_orders_show_its_touch_or_none(version, seed):
    """A shop in which it is known which orders would not have come: each shows its channel's touch, or no touch."""
    draw = random.Random(seed)
    credit = {model: {} for model in MODELS}
    caused = {"Paid Search": 0, "Email": 0}
    for _ in range(400):
        margin, cause = draw.randrange(-500, 3000), draw.choice([None, None, *caused])
        if cause:
            caused[cause] += margin
            path = draw.choice([[cause], [cause], []])
        else:
            path = draw.choices(["Paid Search", "Email", "Direct"], k=draw.randrange(4))
        for model, gives in zip(MODELS, ("all", "first", "last"), strict=True):
            touched = {"all": path, "first": path[:1], "last": path[-1:]}[gives] or ["(unattributed)"]
            for channel in touched:
                credit[model][channel] = credit[model].get(channel, 0) + Decimal(margin) / len(touched)
    channels = {channel for of_model in credit.values() for channel in of_model}
    month(version, [
        (channel, "(none)", 1, {model: credit[model].get(channel, 0) for model in MODELS}) for channel in channels
    ])  # fmt: skip
    fill_incremental(version, "linear")
    bounds = {row[0]: row[1:] for row in shown(version, "channel, incremental_margin_low, incremental_margin_high")}
    for channel, truth in caused.items():
        low, high = bounds[channel]
        assert low <= truth <= high
