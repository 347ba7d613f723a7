"""All nine models against plain Python with fractions, on random small shops."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt import learning
from tests.kit.dbt import OF_CREDIT

MODELS = OF_CREDIT

START, LOOKBACK, HALF_LIFE_US = datetime(2026, 3, 1), timedelta(days=30), 7 * 86_400_000_000
CHANNELS = {
    ("google", "cpc"): "Paid Search",
    ("news", "email"): "Email",
    ("t.co", "social"): "Organic Social",
    (): "Direct",
}

RULES = ("first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay")
LEARNED = ("markov", "shapley", "counterfactual")
MONTH_ENDS = {month: date(2026, month + 1, 1) - timedelta(days=1) for month in range(3, 8)}

touches = st.tuples(st.integers(0, 40 * 24), st.sampled_from(list(CHANNELS)))
orders = st.tuples(st.integers(0, 40 * 24), st.integers(0, 50_000), st.integers(0, 50_000), st.integers(0, 50_000))
# Forty days of each, somewhere in five months: more than the ninety days that a month learns from.
persons = st.tuples(
    st.integers(0, 110),
    st.lists(touches, max_size=9, unique_by=lambda touch: touch[0]),
    st.lists(orders, max_size=2),
).map(lambda person: tuple([(person[0] * 24 + hour, *rest) for hour, *rest in rows] for rows in person[1:]))


def half_even(value):
    return round(value)  # Python rounds a Fraction half to even.


def weights(model, path, converted_at):
    n = len(path)
    if model == "linear":
        return [Fraction(1)] * n
    if model == "position_based":
        return [Fraction(1)] * n if n <= 2 else [Fraction(2 * (n - 2)), *[Fraction(1)] * (n - 2), Fraction(2 * (n - 2))]
    if model == "time_decay":
        ages = [(converted_at - at) // timedelta(microseconds=1) for at, _ in path]
        decays = [Fraction(2.0 ** (-age / HALF_LIFE_US)) for age in ages]
        return [Fraction(half_even(decay / sum(decays) * 10**12)) for decay in decays]
    chosen = {"first_touch": 0, "last_touch": n - 1}.get(model)
    if chosen is None:
        chosen = max((i for i, (_, channel) in enumerate(path) if channel != "Direct"), default=n - 1)
    return [Fraction(int(i == chosen)) for i in range(n)]


def split(amount, shares):
    exact = [amount * share / sum(shares) for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts


def journeys(shop):
    """Each person's touches, and of each of its orders the moment, the amounts and the touches in the window."""
    for visits, bought in shop:
        path = sorted((START + timedelta(hours=hour), CHANNELS[campaign]) for hour, campaign in visits)
        orders = []
        for hour, *amounts in bought:
            at = START + timedelta(hours=hour, minutes=30)
            orders.append((at, amounts, [touch for touch in path if at - LOOKBACK <= touch[0] <= at]))
        yield path, orders


def learned(shop):
    """By month: the weights of its channels, and the paths."""
    found = {}
    for month, last in MONTH_ENDS.items():
        days = {last - timedelta(days=n) for n in range(90)}
        paths = []
        for path, orders in journeys(shop):
            bought = [window for at, _, window in orders if at.date() in days]
            paths += [(tuple(channel for _, channel in window), 1, 0) for window in bought if window]
            seen = tuple(channel for at, channel in path if at.date() in days)
            if seen and not bought:
                paths.append((seen, 0, 1))
        effects, values = learning.removal_effects(paths), learning.shapley_values(paths)
        found[month] = {"markov": learning.weights_e12(effects), "shapley": learning.weights_e12(values), "": paths}
    return found


def learned_weights(model, path, month):
    channels = [channel for _, channel in path]
    if model == "counterfactual":
        weights = learning.counterfactual_e12(channels, month[""])
    else:
        weights = [month[model][channel] for channel in channels]
    return [Fraction(weight) for weight in weights] if any(weights) else [Fraction(1)] * len(path)


def oracle(shop):
    credit, months = Counter(), learned(shop)
    for _, orders in journeys(shop):
        for at, (revenue, refunded, cogs), window in orders:
            amounts = [revenue, min(refunded, revenue), cogs]  # no more is given back than was paid
            for model in (*RULES, *LEARNED):
                if model in RULES:
                    shares = weights(model, window, at)
                else:
                    shares = learned_weights(model, window, months[at.month])
                for measure, amount in enumerate([*amounts, 1_000_000]):
                    if not window:
                        credit[at.date(), "(unattributed)", model, measure] += amount
                        continue
                    for (_, channel), part in zip(window, split(amount, shares), strict=True):
                        credit[at.date(), channel, model, measure] += part
    return {key: value for key, value in credit.items() if value}


def fill(region, shop):
    events, ledger = [], []
    for person, (visits, bought) in enumerate(shop):
        for hour, campaign in visits:
            events.append(region.event(START + timedelta(hours=hour), user=person, campaign=campaign))
        for number, (hour, revenue, refunded, cogs) in enumerate(bought):
            at, order_id = START + timedelta(hours=hour, minutes=30), f"{person}-{number}"
            events.append(region.order(at, order_id, 1, user=person))
            ledger.append(region.ledger(order_id, at, revenue, refunded=refunded, cogs=cogs))
    region.insert("events", events)
    region.insert("ledger_orders", ledger)


@settings(settings.get_profile("few_shops"))
@given(st.lists(persons, min_size=3, max_size=40))
def test_models_agree_to_the_cent(dbt, new_region, shop):
    region = new_region()
    fill(region, shop)
    dbt.build(region, "2026-03-01", "2026-07-31")
    found = defaultdict(int)
    for day, channel, model, *measures in region.query(
        "select date, channel, attribution_model, (revenue * 100)::bigint, (refunds * 100)::bigint,"
        " (cogs * 100)::bigint, (conversions * 1000000)::bigint from finance.romi_daily"
    ):
        for measure, amount in enumerate(measures):
            found[day, channel, model, measure] += amount
    assert {key: value for key, value in found.items() if value} == oracle(shop)
