"""What must not matter, and what must: properties of attribution on random small shops."""

import random
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from privacy import storage
from tests.dbt.test_models_against_an_oracle import RULES, fill, persons
from tests.kit.dbt import OF_CREDIT
from tests.kit.raw_region import CREDITS

MODELS = OF_CREDIT

WINDOW = ("2026-03-01", "2026-07-31")
FEW = settings(settings.get_profile("few_shops"), max_examples=2)


def marts(region):
    """Everything finance reads, but for what cost has a say in."""
    without_cost = "* exclude (spend, roas, romi, cpa, impressions, clicks)"
    tables = {"romi_daily": without_cost, "romi_monthly": without_cost, "romi_by_touch_date": without_cost,
              "romi_by_segment": "* exclude (spend, roas, romi, cpa, cac)", "orders_daily": "*",
              "channel_weights": "*"}  # fmt: skip
    return {
        table: region.query(f"select {columns} from finance.{table} order by all") for table, columns in tables.items()
    }


def spend(region, cents):
    region.insert("spend", [region.cost(f"2026-0{month}-15", "1", cents, name="brand") for month in range(3, 8)])


@FEW
@given(st.lists(persons, min_size=3, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_and_twice_the_cost_halves_roas(dbt, new_region, shop, chance):
    plain, other = new_region(), new_region()
    fill(plain, shop)
    spend(plain, 5001)
    shuffled = Shuffled(other, chance)
    fill(shuffled, shop)
    spend(shuffled, 2 * 5001)
    for region in (plain, other):
        dbt.build(region, *WINDOW)
    assert marts(other) == marts(plain)
    for table in ("romi_daily", "romi_monthly", "romi_by_touch_date"):
        with_cost = f"select * exclude (roas, romi, cpa, spend), spend, roas from finance.{table} order by all"
        for once, twice in zip(plain.query(with_cost), other.query(with_cost), strict=True):
            assert (twice[-2], twice[-1]) == (2 * once[-2], once[-1] if once[-1] is None else once[-1] / 2)


class Shuffled:
    """A region whose rows are inserted in another order."""

    def __init__(self, region, chance: random.Random) -> None:
        self.region, self.chance = region, chance

    def __getattr__(self, name):
        return getattr(self.region, name)

    def insert(self, table, rows):
        self.region.insert(table, self.chance.sample(rows, len(rows)))


@FEW
@given(st.lists(persons, min_size=3, max_size=30), persons)
def test_a_person_who_comes_in_changes_nobody_else_s_rule_based_credit(dbt, new_region, shop, newcomer):
    credits = f"""
        select order_id, attribution_model, touch_number, channel, revenue_cents, refund_cents, cogs_cents,
            conversion_millionths
        from {CREDITS}
        where attribution_model in {RULES} and not starts_with(order_id, '{len(shop)}-') order by all"""
    found = []
    for people in (shop, [*shop, newcomer]):
        region = new_region()
        fill(region, people)
        dbt.build(region, *WINDOW)
        found.append(region.query(credits))
    assert found[0] == found[1]


def test_an_order_after_thousands_of_touches_fits_into_little_memory(dbt, region, monkeypatch):
    begin = datetime(2026, 3, 1)
    campaigns = [("newsletter", "email"), ("google", "cpc"), ("facebook", "paid-social")]
    touches = [
        region.event(begin + timedelta(minutes=10 * n), user="till", campaign=campaigns[n * n % 7 % 3])
        for n in range(3000)
    ]
    region.insert("events", [*touches, region.order(begin + timedelta(days=21), "o", 30_00, user="till")])
    prepare = storage.prepare

    def prepare_for_less(connection, path):
        prepare(connection, path)
        # Too little to write the path out for each of its touches.
        connection.execute("set memory_limit = '200MB'; set temp_directory = ''")

    monkeypatch.setattr(storage, "prepare", prepare_for_less)
    dbt.build(region, date(2026, 3, 1), date(2026, 3, 31))
    assert region.query("select max(touch_number) > 1500 from intermediate.int_attribution__touch_credits") == [(True,)]
    credited = f"select sum(revenue_cents)::int from {CREDITS} group by attribution_model"
    assert region.query(credited) == [(30_00,)] * 9
