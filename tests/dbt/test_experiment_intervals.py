"""Over a thousand simulated experiments of each kind the intervals cover the truth as often as they say."""

from datetime import date, timedelta
from pathlib import Path
from statistics import NormalDist

import duckdb
import numpy as np
import polars as pl
import pytest
from jinja2 import Environment

from tests.dbt.test_experiments import told

START, SHOPS = date(2025, 1, 1), 1_000
BUILT = ("--select", "int_experiments__arms", "int_privacy__arms_to_show", "int_privacy__arms", "experiment_lift")
# Of 95%, with the luck of 1,000 draws: two standard errors of what is counted, each way.
PROMISED = (0.936, 0.964)


@pytest.fixture
def simulated(region, dbt):
    """A region whose tables are there, to be filled with conversions in bulk, and a build of the experiments alone."""
    dbt.build(region, START, START, "--exclude-resource-type", "test")

    def build(experiments, exposures, orders):
        with region.open() as con:
            _insert(con, exposures, orders)
        dbt("run", region, START, START, *BUILT, experiments=experiments)
        return region

    return build


def _insert(con, exposures, orders):
    """Exposures (number, day, person, variation, geography) and orders (number, day, person, cents)."""
    con.register("shown", exposures)
    con.execute("""
        insert into raw.events by name
        select md5('shown' || number)::uuid as message_id, message_id as message_order, 1 as archive_id,
            number as record_offset, 'track' as type, 'Experiment Viewed' as event, day::timestamp as occurred_at,
            md5(person)::uuid as user_id, 'e' || (day - date '2025-01-01') as experiment, variation, geography,
            false as is_anonymised
        from (select *, $start::date + offset_days::integer as day from shown)""", {"start": START})  # fmt: skip
    con.register("bought", orders)
    con.execute("""
        insert into intermediate.int_orders__conversions by name
        select 'o' || number as order_id, $start::date + offset_days::integer as ordered_on,
            ordered_on::timestamp + interval 12 hour as converted_at, md5(person)::uuid as person_id,
            person_id as buyer_id, false as is_in_ledger, true as is_in_events, 'EUR' as currency, true as is_priced,
            cents as revenue_cents, 0 as refund_cents, cents // 2 as cogs_cents
        from bought""", {"start": START})  # fmt: skip


def _frame(**columns):
    sizes = {len(values) for values in columns.values()}
    assert len(sizes) == 1
    return pl.DataFrame({"number": np.arange(sizes.pop()), **columns}).to_arrow()


def covered(region, column, truth):
    """How often the interval is there and covers, and how often it excludes nothing (0)."""
    rows = region.query(f"select {column}_low, {column}_high from finance.experiment_lift where reason is null")
    assert len(rows) >= SHOPS * 0.99
    share = sum(low <= truth <= high for low, high in rows) / len(rows)
    print(f"{column}: {share:.1%} of {len(rows)} intervals cover {truth:.4g}")
    return share


@pytest.mark.slow
def test_intervals_by_person_cover_the_true_lift(simulated):
    """Each day is an experiment of 300 persons in each arm; the treated buy 30% more often."""
    rng = np.random.default_rng(20260601)
    persons, chance, effect = 300, 0.3, 0.3
    day = np.repeat(np.arange(SHOPS), 2 * persons)
    is_treated = np.tile(np.arange(2 * persons) >= persons, SHOPS)
    name = np.char.add("p", np.arange(day.size).astype(str))
    buys = rng.random(day.size) < chance * (1 + effect * is_treated)
    cents = np.round(rng.lognormal(8, 0.8, day.size)).astype(np.int64)
    place = np.full(day.size, None)
    exposures = _frame(offset_days=day, person=name, variation=np.where(is_treated, "on", "off"),
                       geography=place.astype(object))  # fmt: skip
    orders = _frame(offset_days=np.append(day[buys], SHOPS + 1), person=np.append(name[buys], "late"),
                    cents=np.append(cents[buys], 1))  # fmt: skip
    days = {f"e{n}": START + timedelta(days=n) for n in range(SHOPS)}
    region = simulated(told(**{name: {"from": on, "to": on, "control": ["off"]} for name, on in days.items()}),
                       exposures, orders)  # fmt: skip
    assert PROMISED[0] <= covered(region, "lift", effect) <= PROMISED[1]
    assert PROMISED[0] <= covered(region, "conversion_lift", effect) <= PROMISED[1]
    worth = persons * chance * effect
    assert PROMISED[0] <= covered(region, "incremental_conversions", worth) <= PROMISED[1]
    money = worth * np.exp(8 + 0.8**2 / 2) / 100
    assert PROMISED[0] <= covered(region, "incremental_revenue", money) <= PROMISED[1]


@pytest.mark.slow
def test_draws_by_pseudonym_that_change_nothing_find_nothing(simulated):
    """A thousand draws, each with its own name, among the same 1500 users, a fifth of them held out."""
    rng = np.random.default_rng(7)
    users = np.char.add("u", np.arange(1500).astype(str))
    buys = rng.random(users.size) < 0.4
    nobody = np.full(users.size, None).astype(object)
    known = _frame(offset_days=np.zeros(users.size, dtype=int), person=users, variation=np.full(users.size, "x"),
                   geography=nobody)  # fmt: skip
    orders = _frame(offset_days=np.append(np.full(buys.sum(), 5), 20), person=np.append(users[buys], "late"),
                    cents=np.append(np.round(rng.lognormal(8, 0.8, buys.sum())).astype(np.int64), 1))  # fmt: skip
    dates = {"from": START + timedelta(days=2), "to": START + timedelta(days=9)}
    draw = {"assignment": "pseudonym", "control_share": "0.2", **dates}
    region = simulated(told(**{f"a{n}": draw for n in range(SHOPS)}), known, orders)
    assert PROMISED[0] <= covered(region, "lift", 0) <= PROMISED[1]
    assert PROMISED[0] <= covered(region, "conversion_lift", 0) <= PROMISED[1]
    shares = region.query("select avg(control_units / (control_units + treated_units)) from finance.experiment_lift")
    assert shares[0][0] == pytest.approx(0.2, abs=0.005)


@pytest.mark.slow
def test_geographies_that_differ_in_nothing_but_size_find_nothing(simulated):
    """A thousand ways to hold out 8 of 24 geographies of very different size, each with its own luck and growth."""
    rng = np.random.default_rng(11)
    sizes = rng.lognormal(3.5, 0.8, 24)
    growth = 1.1 * np.exp(rng.normal(0, 0.1, 24))
    before, during = rng.poisson(sizes) + 5, rng.poisson(sizes * growth) + 5
    place = np.concatenate([np.repeat(np.arange(24), before), np.repeat(np.arange(24), during)])
    day = np.concatenate([np.full(before.sum(), 3), np.full(during.sum(), 20)])
    name = np.char.add("g", np.arange(day.size).astype(str))
    exposures = _frame(offset_days=day, person=name, variation=np.full(day.size, "x"),
                       geography=np.char.add("place ", place.astype(str)))  # fmt: skip
    orders = _frame(offset_days=np.append(day, 60), person=np.append(name, "late"),
                    cents=np.append(np.round(rng.lognormal(8, 0.4, day.size)).astype(np.int64), 1))  # fmt: skip
    held_out = [[f"place {n}" for n in rng.choice(24, 8, replace=False)] for _ in range(SHOPS)]
    dates = {"from": START + timedelta(days=14), "to": START + timedelta(days=27), "pre_days": 14}
    region = simulated(
        told(**{f"a{n}": {"assignment": "geography", "control": held, **dates} for n, held in enumerate(held_out)}),
        exposures, orders,
    )  # fmt: skip
    assert PROMISED[0] <= covered(region, "conversion_lift", 0) <= PROMISED[1]
    assert PROMISED[0] <= covered(region, "lift", 0) <= PROMISED[1]


def test_the_quantile_is_students():
    """The closed form of the models against a table of Student's t (two-sided 90%, 95%, 99%)."""
    table = {4: (2.1318, 2.7764, 4.6041), 8: (1.8595, 2.3060, 3.3554), 30: (1.6973, 2.0423, 2.7500),
             120: (1.6577, 1.9799, 2.6174)}  # fmt: skip
    macros = (Path(__file__).parents[2] / "dbt_project/macros/experiments.sql").read_text()
    start = macros.index("{% macro t_quantile")
    render = Environment().from_string(macros[start:] + "{{ t_quantile('z', 'v') }}").render()
    for degrees, expected in table.items():
        for confidence, quantile in zip((0.9, 0.95, 0.99), expected, strict=True):
            z = NormalDist().inv_cdf((1 + confidence) / 2)
            [(found,)] = duckdb.sql(
                f"select {render} from (select {z!r}::double as z, {degrees}::double as v)"
            ).fetchall()
            assert found == pytest.approx(quantile, rel=0.01 if degrees == 4 else 0.001)
