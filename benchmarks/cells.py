"""How much of a month is named at k = 10, at half of it and at its end, and what steps and their proof take.

python -m benchmarks.cells            # the named share of shops of 300 to 100,000 orders
python -m benchmarks.cells campaigns  # processor seconds of a first step, for 100 to 10,000 campaigns
"""

from __future__ import annotations

import sys
from dataclasses import replace
from time import process_time

import numpy as np

from quality.changes import FINER, Bools, Ints, Month
from quality.stepping import step

K, DAYS, MODELS = 10, 30, 4
TABLES = ("month", *FINER)


def shop(orders: int, channels: int, campaigns: int, seed: int = 1) -> tuple[Month, Ints]:
    """A month's credits under first touch, last touch, linear and an uneven model, and the orders' days."""
    draw = np.random.default_rng(seed)
    names = channels * campaigns
    share = draw.permutation(1 / np.arange(1, names + 1))
    touches = draw.integers(1, 5, orders)
    order = np.repeat(np.arange(orders), touches)
    first = np.r_[0, np.cumsum(touches)[:-1]]
    last = np.cumsum(touches) - 1
    campaign = draw.choice(names, size=len(order), p=share / share.sum())
    day = draw.integers(0, DAYS, orders)[order]
    revenue = draw.lognormal(8.5, 0.7, orders).astype(np.int64)[order]
    refund = np.where(draw.random(orders) < 0.06, 1, 0)[order]
    position = np.arange(len(order))
    weights = np.stack(
        [position == first[order], position == last[order], 1 / touches[order], 1 / touches[order]], axis=1
    )
    amounts = np.stack([weights * revenue[:, None], weights * (revenue * refund)[:, None], weights * 1e6], axis=2)
    zeros = np.zeros(len(order), dtype=np.int64)
    month = Month(
        campaign=campaign.astype(np.int64), channel=(campaign // campaigns).astype(np.int64),
        columns={"day": day, "touch": np.maximum(day - draw.integers(0, 7, len(order)), 0),
                 "segment": draw.choice(3, orders, p=[0.6, 0.35, 0.05])[order]},
        buyer=draw.integers(0, orders, orders)[order], gives=weights > 0, amounts=np.floor(amounts),
        is_current=np.ones(len(order), dtype=bool), levels=dict.fromkeys(TABLES, zeros), replaces=zeros - 1,
        arrived=zeros + 1, stepped=zeros,
    )  # fmt: skip
    return month, day


def cut(month: Month, rows: Bools) -> Month:
    """The month with some of its rows."""
    plain = ("campaign", "channel", "buyer", "gives", "amounts", "is_current", "replaces", "arrived", "stepped")
    arrays = {name: getattr(month, name)[rows] for name in plain}
    columns = {name: values[rows] for name, values in month.columns.items()}
    return replace(month, **arrays, columns=columns, levels={name: one[rows] for name, one in month.levels.items()})


def named(month: Month, level: Ints) -> float:
    """The share of linear revenue that stands under a channel or a campaign."""
    revenue = month.amounts[:, 2, 0]
    return float(revenue[level > 0].sum() / revenue.sum())


def grown(month: Month, day: Ints) -> tuple[float, float, float]:
    """The named share at half of the month and at its end, a version a day; and the seconds of the last step."""
    level = {table: np.zeros(len(month), dtype=np.int64) for table in TABLES}
    arrived, stepped = day + 1, np.zeros(len(month), dtype=np.int64)
    half = seconds = 0.0
    for today in range(DAYS):
        rows = day <= today
        known = cut(replace(month, levels=level, arrived=arrived, stepped=stepped), rows)
        begun = process_time()
        done = step(known, K)
        seconds = process_time() - begun
        moved = done.levels["month"] != known.levels["month"]
        stepped[np.flatnonzero(rows)[moved]] = today + 1
        for table in TABLES:
            level[table][rows] = done.levels[table]
        if today == DAYS // 2 - 1:
            half = named(known, done.levels["month"])
    return half, named(month, level["month"]), seconds


def main(what: str | None = None) -> None:
    """Print a table of one of the two measurements."""
    if what == "campaigns":
        print(f"{'campaigns':>10} {'orders':>8} {'seconds':>8} {'secrets':>9} {'programmes':>10}")
        for campaigns in (100, 1_000, 10_000):
            month, _ = shop(50_000, 20, campaigns // 20)
            begun = process_time()
            proof = step(month, K).proof
            seconds = process_time() - begun
            print(f"{campaigns:>10,} {50_000:>8,} {seconds:>8.1f} {proof.looked_at:>9,} {proof.programmes:>10}")
        return
    print(f"{'orders':>8} {'at once':>8} {'half':>6} {'grown':>6} {'seconds a step':>14}")
    for orders, channels, campaigns in ((300, 8, 3), (1_000, 8, 4), (5_000, 10, 12), (100_000, 12, 10)):
        month, day = shop(orders, channels, campaigns)
        once = named(month, step(month, K).levels["month"])
        half, full, seconds = grown(month, day)
        print(f"{orders:>8,} {once:>8.0%} {half:>6.0%} {full:>6.0%} {seconds:>14.2f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
