from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from operations.reports.bridge import CurrencyEffect, Step, Totals, bridge, total
from operations.reports.first_screen import why_it_moved

_MONEY = st.integers(0, 10**9).map(lambda cents: Decimal(cents).scaleb(-2))


@st.composite
def _regions(draw) -> dict[str, Totals]:
    names = draw(st.sets(st.sampled_from(["eu", "us", "jp"]), min_size=1))
    found = {}
    for name in names:
        orders = draw(st.integers(0, 10**5))
        revenue, refunds, cogs = (draw(_MONEY) if orders else Decimal(0) for _ in range(3))
        found[name] = Totals(orders, revenue, refunds, cogs, draw(_MONEY))
    return found


@given(_regions(), _regions(), _MONEY, _MONEY)
def test_the_steps_add_up_to_the_cent(before, now, restated, rates):
    steps = bridge(before, now, restated, CurrencyEffect(revenue=rates))
    first_shown = total(before).after_spend - restated
    assert first_shown + sum(one.amount for one in steps) == total(now).after_spend
    assert all(one.amount == one.amount.quantize(Decimal("0.01")) for one in steps)


def _step(steps, name):
    return next(one.amount for one in steps if one.name == name)


def test_each_cause_stands_in_its_own_step():
    before = {"eu": Totals(10, Decimal(1000), Decimal(50), Decimal(400), Decimal(100)),
              "us": Totals(10, Decimal(2000), Decimal(50), Decimal(400), Decimal(100))}  # fmt: skip
    now = {"eu": Totals(10, Decimal(1100), Decimal(70), Decimal(420), Decimal(130)),
           "us": Totals(20, Decimal(4000), Decimal(50), Decimal(800), Decimal(100))}  # fmt: skip
    steps = bridge(before, now, Decimal(7), CurrencyEffect(revenue=Decimal(40)))
    # An order left (3000 - 800) / 20 = 110; of the ten more, all came from where one leaves 160.
    assert {one.name: one.amount for one in steps} == {
        "Restated": 7, "Volume": 1100, "Mix": 500, "Price": 60, "Refunds": -20, "Cost of goods": -20, "Spend": -30,
        "Currency": 40,
    }  # fmt: skip


def test_a_region_that_is_new_brings_volume_at_the_average_and_its_difference_as_mix_since_no_price_of_it_moved():
    before = {"eu": Totals(10, Decimal(1000), cogs=Decimal(400))}
    now = {**before, "jp": Totals(5, Decimal(400), cogs=Decimal(220))}
    steps = bridge(before, now, Decimal(0), CurrencyEffect())
    found = {name: _step(steps, name) for name in ("Volume", "Mix", "Price", "Cost of goods")}
    assert found == {"Volume": 300, "Mix": -120, "Price": 0, "Cost of goods": 0}


def test_from_nothing_everything_is_volume():
    steps = bridge({}, {"eu": Totals(3, Decimal(90), cogs=Decimal(30))}, Decimal(0), CurrencyEffect())
    assert _step(steps, "Volume") == 60
    assert sum(one.amount for one in steps) == 60


def test_the_price_is_said_with_what_the_cost_of_goods_takes_back_of_it():
    def told(**amounts: str) -> str:
        return why_it_moved([Step(name.replace("_", " "), Decimal(one), "") for name, one in amounts.items()], "EUR")

    price = "the size of the average order, before cost of goods"
    assert told(Volume="30", Price="-20", Cost_of_goods="12.5", Spend="-1") == (
        f" What moved it most: the number of orders (+€30.00), then {price}"
        " (\N{MINUS SIGN}€20.00, of which cost of goods takes back €12.50)."
    )
    assert told(Price="9", Cost_of_goods="10", Spend="1") == (
        f" What moved it most: the cost of goods per order (+€10.00), then {price} (+€9.00)."
    )
    assert "(\N{MINUS SIGN}€10.00, of which the size of the average order takes back €9.00)" in told(
        Price="9", Cost_of_goods="-10", Volume="9.5"
    )
    assert told(Price="0", Spend="0") == ""
