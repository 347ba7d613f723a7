"""Made-up shops: a table of credits as attribution leaves it, without the way there."""

from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa

START = date(2026, 3, 1)
MODELS = ("first_touch", "last_touch", "linear", "position_based")


def credits(seed, orders_per_day, days=31, channels=8, campaigns=5, models=MODELS, start=START, skew=1.0, refunds=0.06):
    """An Arrow table with the columns of int_attribution__credits, and `segment`."""
    draw = np.random.default_rng(seed)
    names = [(f"channel {c}", f"campaign {c}.{i}") for c in range(channels) for i in range(campaigns)]
    popularity = 1 / np.arange(1, len(names) + 1) ** skew
    popularity = draw.permutation(popularity / popularity.sum())
    rows = {name: [] for name in (
        "order_id", "ordered_on", "touched_on", "buyer_id", "attribution_model", "channel", "campaign", "segment",
        "revenue_cents", "refund_cents", "cogs_cents", "conversion_millionths")}  # fmt: skip
    number = 0
    for day in range(days):
        for _ in range(draw.poisson(orders_per_day)):
            number += 1
            buyer = int(draw.integers(orders_per_day * days)) + 1
            revenue = int(draw.lognormal(8.5, 0.7))
            refund = revenue if draw.random() < refunds else 0
            cogs = (revenue - refund) // 2
            touches = sorted(-int(age) for age in draw.exponential(3, draw.integers(0, 5)).clip(0, 29))
            touches = [(start + timedelta(day + age), names[draw.choice(len(names), p=popularity)])
                       for age in touches if day + age >= 0]  # fmt: skip
            segment = ("new", "repeat", "lapsed", "unknown")[draw.choice(4, p=[0.5, 0.4, 0.03, 0.07])]
            ordered_on = start + timedelta(day)
            for model in models:
                path = touches or [(ordered_on, ("(unattributed)", "(none)"))]
                n = len(path)
                weights = [1] * n
                if model == "first_touch":
                    weights = [1] + [0] * (n - 1)
                elif model == "last_touch":
                    weights = [0] * (n - 1) + [1]
                elif model == "position_based" and n > 2:
                    weights = [2 * (n - 2)] + [1] * (n - 2) + [2 * (n - 2)]
                parts = [_split(amount, weights) for amount in (revenue, refund, cogs, 1_000_000)]
                for (on, (channel, campaign)), *amounts in zip(path, *parts, strict=True):
                    if any(amounts):
                        for name, value in zip(rows, (
                            str(number), ordered_on, on, buyer, model, channel, campaign, segment, *amounts), strict=True,
                        ):  # fmt: skip
                            rows[name].append(value)
    return pa.table(rows)


def _split(amount, weights):
    parts = [amount * weight // sum(weights) for weight in weights]
    parts[0 if weights[0] else -1] += amount - sum(parts)
    return parts


def connect(table):
    con = duckdb.connect()
    con.register("credits", table)
    return con
