"""Made-up shops: a table of credits as attribution leaves it, without the way there."""

from collections import defaultdict
from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from quality.cells import _by_channel as channels_of
from quality.cells import carried_campaigns, daily_cells, month_cells, segment_cells, touch_cells
from quality.disclosure import OTHER, REST, Credit

START = date(2026, 3, 1)
MODELS = ("first_touch", "last_touch", "linear", "position_based")


def credits(seed, orders_per_day, days=31, channels=8, campaigns=5, models=MODELS, start=START, skew=1.0, refunds=0.06):
    """An Arrow table with the credits by model, and `segment`."""
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
                        row = (str(number), ordered_on, on, buyer, model, channel, campaign, segment, *amounts)
                        for name, value in zip(rows, row, strict=True):
                            rows[name].append(value)
    return pa.table(rows)


def _split(amount, weights):
    parts = [amount * weight // sum(weights) for weight in weights]
    parts[0 if weights[0] else -1] += amount - sum(parts)
    return parts


def connect(table):
    con = duckdb.connect()
    con.register("credits", table)
    return con.table("credits")


def read_credits(credits, k, column):
    """Credits by campaign, column, month of the order and model, with as many buyers as tell whether there are k."""
    by_buyer = credits.aggregate(f"""
        channel, campaign, {column} as period, date_trunc('month', ordered_on)::date as month, attribution_model,
        buyer_id,
        sum(conversion_millionths) as conversions, sum(revenue_cents) as revenue, sum(refund_cents) as refunds,
        sum(cogs_cents) as cogs""")
    rows = by_buyer.aggregate(f"""
        channel, campaign, period, month, attribution_model, min(buyer_id, {k}) as buyers,
        cast(count(*) as bigint) as buyer_count, cast(sum(conversions) as bigint), cast(sum(revenue) as bigint),
        cast(sum(refunds) as bigint), cast(sum(revenue - refunds) as bigint), cast(sum(cogs) as bigint),
        cast(sum(revenue - refunds - cogs) as bigint)""").fetchall()
    return [
        Credit((channel, campaign), period, month, model, frozenset(buyers), count, tuple(amounts))
        for channel, campaign, period, month, model, buyers, count, *amounts in rows
    ]


class Shop:
    """What is published of a table of credits: the maps of all tables, and the credits they were made from."""

    def __init__(self, table, k, *, is_plain=False):
        """`is_plain`: merge to k buyers and do no more."""
        credits = connect(table)
        self.k = k
        self.days = read_credits(credits, k, "ordered_on")
        self.touches = read_credits(credits, k, "touched_on")
        self.totals = read_credits(credits, k, "date_trunc('month', ordered_on)::date")
        self.segments = read_credits(credits, k, "segment")
        self.months = {
            month: month_cells(
                of_month(self.totals, month),
                *([] if is_plain else of_month(some, month) for some in (self.days, self.touches)), k)
            for month in {one.month for one in self.days}
        }  # fmt: skip
        self.daily, self.touched, self.segmented = {}, {}, {}
        plain = {"is_plain": True} if is_plain else {}
        for month, cells in self.months.items():
            self.daily |= daily_cells(of_month(self.days, month), cells, k, **plain)
            mapped = segment_cells(of_month(self.segments, month), cells, k, **plain)
            self.segmented |= {(month, *place): name for place, name in mapped.items()}
        for month in {one.column.replace(day=1) for one in self.touches}:
            touches = [one for one in self.touches if one.column.replace(day=1) == month]
            carried = carried_campaigns(self.touches, month, k)
            self.touched |= touch_cells(touches, carried, self.months, k, **plain)
        # The segment table's own cells: channels, each in the parts that the month publishes apart.
        by_channel = defaultdict(list)
        for one in self.segments:
            by_channel[one.month].append(one)
        self.channels = [one for month, some in by_channel.items() for one in channels_of(some, self.months[month])]
        homes = {
            (one.month, one.column, self.months[one.month][one.cell][0], one.cell[0]): one for one in self.segments
        }
        self.segment_of_channel = {key: self.segmented[one.month, one.column, one.cell] for key, one in homes.items()}
        self.rows = {(day, name) for (day, _), name in self.daily.items()}
        self.touch_rows = {(day, name) for (day, _), name in self.touched.items()}

    def place(self, table, cell, column, month):
        """Where a true cell is published; where it could be, if there is none; None where it can be nowhere."""
        if table == "segments":
            return self.segment_of_channel.get((month, column, *cell))
        names, rows = (self.daily, self.rows) if table == "days" else (self.touched, self.touch_rows)
        if (column, cell) in names:
            return names[column, cell]
        for name in ((cell[0], OTHER), REST):
            if (column, name) in rows:
                return name
        return None

    def secrets(self, model):
        """The true cells of fewer than k buyers: by table's name and grain, the unknowns that make them up.

        Not those that are all there is of a day of the region, which is published on purpose.
        """
        people, parts, everyone = defaultdict(set), defaultdict(list), defaultdict(set)
        for table, credits in (("days", self.days), ("touches", self.touches), ("months", self.days),
                               ("segments", self.channels)):  # fmt: skip
            for one in credits:
                if one.model != model:
                    continue
                when = one.month if table in ("months", "segments") else one.column
                name = (table, one.cell, (when, one.column) if table == "segments" else when)
                people[name] |= one.buyers
                parts[name].append(("days" if table == "months" else table, one.cell, one.column, one.month))
                everyone[table, name[2]].add(one.cell)
        return {name: parts[name] for name, some in people.items()
                if len(some) < self.k and len(everyone[name[0], name[2]]) > 1}  # fmt: skip


def of_month(credits, month):
    return [one for one in credits if one.month == month]
