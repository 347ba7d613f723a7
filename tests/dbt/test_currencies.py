"""Orders and cost in their own currencies, against arithmetic on the rows that landed."""

import random
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

MODELS = ("orders_by_currency", "spend_daily", "orders_daily")
FIRST, LAST = "2026-03-01", "2026-03-31"
RATES = {
    "EUR": 100_000_000,
    "USD": 108_370_000,
    "JPY": 16_123_000_000,
    "KWD": 33_310_000,
}  # units for a euro, times 10^8
DECIMALS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}


def cents(minor, currency):
    exact = Fraction(minor * 100 * 10**8, RATES[currency] * 10 ** DECIMALS[currency])
    return int((Decimal(exact.numerator) / exact.denominator).quantize(Decimal(1), ROUND_HALF_EVEN))


def units(minor, currency):
    return Decimal(minor).scaleb(-DECIMALS[currency])


def sold(draw):
    """Orders (id, buyer, day, currency, revenue, refund, cogs or None, whether the ledger has them)."""
    for n in range(90):
        currency = draw.choices(list(RATES), [60, 20, 15, 5])[0]
        revenue = draw.randrange(100, 90_000)
        is_in_ledger = draw.random() < 0.7
        refund = draw.choice([0, 0, 0, revenue // 3, revenue])
        cogs = draw.choice([None, revenue // 2]) if is_in_ledger else None
        yield (
            f"o{n}",
            draw.randrange(40),
            f"2026-03-{draw.randrange(1, 31):02}",
            currency,
            revenue,
            refund,
            cogs,
            is_in_ledger,
        )


def fill(region, orders, costs):
    events, ledger = [], []
    for order, buyer, day, currency, revenue, refund, cogs, is_in_ledger in orders:
        events.append(region.order(f"{day} 12:00", order, revenue, currency=currency, user=buyer, tax=0, shipping=0))
        if is_in_ledger:
            ledger.append(region.ledger(order, f"{day} 12:00", revenue, refunded=refund, cogs=cogs, currency=currency))
        elif refund:
            more = {"event": "Order Refunded", "currency": currency, "total": refund}
            events.append(region.order(f"{day} 13:00", order, None, **more))
    region.insert("events", events)
    region.insert("ledger_orders", ledger)
    region.insert("spend", [region.cost(f"2026-03-{day:02}", campaign, minor, currency=currency, name=name)
                            for day, campaign, name, minor, currency in costs])  # fmt: skip
    rates = [(f"2026-03-{day:02}", currency, rate) for currency, rate in RATES.items() for day in range(1, 32, 7)]
    region.insert("fx_rates", [dict(zip(("rate_on", "currency", "rate_e8"), one, strict=True)) for one in rates])


def test_currencies_add_up_to_the_orders_and_are_what_was_charged(region, dbt):
    draw = random.Random(7)
    orders = list(sold(draw))
    campaigns = [("brand", "USD"), ("brand", "USD"), ("shoes", "JPY"), ("mixed", "EUR"), ("mixed", "USD")]
    costs = [
        (day, str(n), name, draw.randrange(1000, 90_000), currency)
        for day in (3, 9)
        for n, (name, currency) in enumerate(campaigns)
    ]
    fill(region, orders, costs)
    dbt.build(region, FIRST, LAST)

    expected = defaultdict(lambda: [0, 0, 0, 0, 0])
    assumed, whole_cogs = 0, 0
    for _, _, _, currency, revenue, refund, cogs, _ in orders:
        for n, amount in enumerate((1, revenue, refund, cents(revenue, currency), cents(refund, currency))):
            expected[currency][n] += amount
        net = cents(revenue, currency) - cents(refund, currency)
        goods = net - (net // 2 + (net % 2 and net // 2 % 2)) if cogs is None else cents(cogs, currency)
        whole_cogs += goods
        assumed += goods if cogs is None else 0
    found = region.query("""
        select currency, orders, original_revenue, original_refunds, revenue, refunds, average_rate
        from finance.orders_by_currency order by currency""")
    assert [row[:6] for row in found] == [
        (currency, count, units(revenue, currency), units(refund, currency), Decimal(gross).scaleb(-2),
         Decimal(back).scaleb(-2))
        for currency, (count, revenue, refund, gross, back) in sorted(expected.items())
    ]  # fmt: skip
    assert all(abs(row[6] * float(row[2]) - float(row[4])) < 0.005 for row in found)
    assert region.query("select sum(assumed_cogs), sum(cogs) from finance.orders_daily") == [
        (Decimal(assumed).scaleb(-2), Decimal(whole_cogs).scaleb(-2))
    ]

    shown = region.query("""
        select day(date), campaign, original_currency, original_spend, rate, spend from finance.spend_daily
        order by all""")
    of_cells = defaultdict(list)
    for day, _, name, minor, currency in costs:
        of_cells[day, name].append((currency, minor))
    assert [row[:2] for row in shown] == sorted(of_cells)
    for day, name, currency, original, rate, spend in shown:
        parts = of_cells[day, name]
        assert spend == Decimal(sum(cents(minor, one) for one, minor in parts)).scaleb(-2)
        if name == "mixed":
            assert (currency, original, rate) == ("(several)", None, None)
        else:
            assert (currency, original) == (parts[0][0], units(sum(minor for _, minor in parts), currency))
            assert rate == RATES["EUR"] / RATES[currency]

    dbt.build(region, FIRST, LAST, k_anonymity=5)
    named = {currency for currency, mine in _buyers(orders).items() if len(mine) >= 5}
    found = region.query("select currency, orders, revenue, refunds from finance.orders_by_currency order by currency")
    assert {row[0] for row in found} - {"(other)"} <= named
    assert [tuple(map(sum, zip(*(row[1:] for row in found), strict=True)))] == region.query(
        "select sum(orders), sum(revenue), sum(refunds) from finance.orders_daily"
    )
    for currency, count, *money in found:
        if currency != "(other)":
            assert [count, *money] == [
                expected[currency][0],
                *(Decimal(one).scaleb(-2) for one in expected[currency][3:]),
            ]


def _buyers(orders):
    found = defaultdict(set)
    for _, buyer, _, currency, *_ in orders:
        found[currency].add(buyer)
    return found
