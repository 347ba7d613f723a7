"""No published figure, and no difference of figures, rests on fewer than k buyers."""

from collections import Counter, defaultdict
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quality.cells import daily_cells, month_cells
from quality.disclosure import REST, Credit
from tests.kit.examples import examples
from tests.quality import shops
from tests.quality.attack import Attack

MARCH = date(2026, 3, 1)
REVENUE, REFUNDS = 1, 2
ATTACKED = ("last_touch", "linear")

shop_settings = settings(
    max_examples=examples(8, fast=3),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
sizes = st.fixed_dictionaries({
    "seed": st.integers(0, 10_000),
    "orders_per_day": st.sampled_from([2, 5, 12]),
    "days": st.sampled_from([3, 6, 10]),
    "channels": st.integers(1, 3),
    "campaigns": st.sampled_from([1, 2, 4]),
    "start": st.sampled_from([MARCH, date(2026, 3, 28)]),  # within a month, and across its end
    "skew": st.sampled_from([0.5, 2.0]),
    "refunds": st.sampled_from([0.02, 0.3]),
})  # fmt: skip


def published(shop):
    """Each table's credits beside the row in which they are published."""
    for one in shop.days:
        yield "monthly", (one.month, shop.months[one.month][one.cell]), one
        yield "daily", (one.column, shop.daily[one.column, one.cell]), one
    for one in shop.touches:
        yield "touches", (one.column, shop.touched[one.column, one.cell]), one
    for one in shop.segments:
        yield "segments", (one.month, shop.segmented[one.month, one.column, one.cell]), one


@shop_settings
@given(sizes, st.integers(2, 6))
def test_every_published_cell_has_k_buyers_or_is_all_there_is(size, k):
    buyers, rows = defaultdict(set), defaultdict(set)
    for table, row, one in published(shops.Shop(shops.credits(**size), k)):
        buyers[table, row, one.model] |= one.buyers
        rows[table, row[0], one.model].add(row)
    small = {key for key, people in buyers.items() if len(people) < k}
    assert not {(table, row) for table, row, model in small if len(rows[table, row[0], model]) > 1}


@shop_settings
@given(sizes, st.integers(2, 6))
def test_money_is_moved_and_never_lost(size, k):
    shop = shops.Shop(shops.credits(**size), k)
    moved, whole = Counter(), Counter()
    for table, (_, name), one in published(shop):
        moved[table, one.model] += one.amounts[REVENUE]
        assert name in (one.cell, (one.cell[0], "(other)"), REST) or table == "segments"
    for one in shop.totals:
        for table in ("monthly", "daily", "touches", "segments"):
            whole[table, one.model] += one.amounts[REVENUE]
    assert moved == whole


@shop_settings
@given(sizes, st.randoms(use_true_random=False))
def test_the_map_does_not_depend_on_the_order_of_rows(size, random):
    table = shops.credits(**size)
    rows = list(range(len(table)))
    random.shuffle(rows)
    one, other = shops.Shop(table, 4), shops.Shop(table.take(rows), 4)
    assert (one.months, one.daily, one.touched, one.segmented) == (
        other.months, other.daily, other.touched, other.segmented)  # fmt: skip


@shop_settings
@given(sizes)
def test_all_stand_where_one_buyer_is_enough(size):
    shop = shops.Shop(shops.credits(**size), 1)
    assert all(cell == place for cells in shop.months.values() for cell, place in cells.items())
    assert all(cell == place for maps in (shop.daily, shop.touched) for (_, cell), place in maps.items())


def attack(shop, *, knows_where, models=ATTACKED, measures=(REVENUE, REFUNDS), most=30):
    """What the attack finds out, of a few secrets that are spread over all."""

    def some(names):
        return names[:: len(names) // most + 1]

    return [
        (model, measure, name)
        for model in models
        for measure in measures
        for name in Attack(shop, model, measure, knows_where).broken(shop.secrets(model), some)
    ]


@pytest.mark.parametrize("knows_where", [False, True])
@shop_settings
@given(sizes, st.sampled_from([2, 3, 5]))
def test_nothing_small_comes_out_by_subtraction(knows_where, size, k):
    assert not attack(shops.Shop(shops.credits(**size), k), knows_where=knows_where)


@pytest.mark.parametrize("knows_where", [False, True])
def test_the_attack_finds_what_a_plain_merge_leaves(knows_where):
    table = shops.credits(3, 20, days=10, channels=3, campaigns=3)
    assert attack(shops.Shop(table, 2, is_plain=True), knows_where=knows_where)
    assert not attack(shops.Shop(table, 2), knows_where=knows_where)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_nothing_small_comes_out_of_any_measure_of_larger_shops(seed):
    table = shops.credits(
        seed, (20, 50)[seed % 2], days=(24, 40)[seed % 3 == 0], channels=4, campaigns=4, skew=(0.5, 1, 2)[seed % 3]
    )
    shop = shops.Shop(table, (3, 5, 10)[seed % 3])
    models = (shops.MODELS[seed % 4],)
    assert not attack(shop, knows_where=True, models=models, measures=range(6), most=60)
    assert not attack(shop, knows_where=False, models=models, measures=range(6), most=20)


def credit(cell, buyers, model="linear", column=MARCH, amount=100):
    return Credit(cell, column, MARCH, model, frozenset(buyers), len(set(buyers)), (amount * len(set(buyers)),))


def map_of(*credits, k=3):
    cells = month_cells(credits, credits, (), k)
    assert {cell: place for (_, cell), place in daily_cells(credits, cells, k).items()} == cells
    return cells


BIG, S1, S2, MID, W9 = ("Search", "big"), ("Search", "s1"), ("Search", "s2"), ("Social", "mid"), ("Email", "w9")


def test_small_campaigns_join_other_of_their_channel():
    cells = map_of(credit(BIG, "abc"), credit(S1, "de"), credit(S2, "ef"))
    assert cells == {BIG: BIG, S1: ("Search", "(other)"), S2: ("Search", "(other)")}


def test_small_channels_join_channel_other():
    cells = map_of(credit(BIG, "abc"), credit(S1, "d"), credit(W9, "ef"))
    assert cells == {BIG: BIG, S1: REST, W9: REST}


def test_a_campaign_stands_only_if_every_model_gives_it_k_buyers_and_the_smallest_joins_what_is_too_small():
    cells = map_of(
        credit(BIG, "abcd"), credit(MID, "abc"), credit(W9, "abc"), credit(W9, "a", "last"), credit(MID, "abc", "last")
    )
    assert cells == {BIG: BIG, MID: REST, W9: REST}


def test_fewer_than_k_buyers_are_one_cell():
    assert map_of(credit(BIG, "a"), credit(W9, "b")) == {BIG: REST, W9: REST}


def test_a_single_small_day_takes_another_campaign_and_another_day_with_it():
    days = [date(2026, 3, day) for day in (1, 2, 3)]
    credits = [
        credit(cell, [(cell, day, i) for i in range(1 if (cell, day) == (BIG, days[0]) else 9)], column=day)
        for cell in (BIG, S1, S2)
        for day in days
    ]
    cells = {cell: cell for cell in (BIG, S1, S2)}
    hidden = {place for place, name in daily_cells(credits, cells, 3).items() if name[1] == "(other)"}
    assert (days[0], BIG) in hidden
    assert len({day for day, _ in hidden}) == 2
    assert len({cell for _, cell in hidden}) == 2
    assert len(hidden) == 4
