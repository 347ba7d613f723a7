"""The versions of a made-up month whose orders are divided into parts, as the tables that do so publish them."""

from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl

from quality.divisions import COHORTS, CURRENCIES, FATES, cohorts, currencies, fates

MONTH = "2026-03-01"
NAMES = {"currencies": ("EUR", "GBP", "USD", "SEK"), "fates": ("no_touch", "no_consent", "ledger_only"),
         "cohorts": ("search", "social", "email")}  # fmt: skip
DAYS = ", ".join([f"date '{MONTH}'"] * 4)
HOW = {"currencies": CURRENCIES, "fates": FATES, "cohorts": COHORTS}
MODELS = ("first_touch", "linear")  # of the table that divides by model
ITEM = {"order_id": pl.String, "touch_number": pl.Int64, "buyer_id": pl.Int64, "kin": pl.String, "cell": pl.String,
        "first": pl.Float64, "revenue": pl.Int64, "refund": pl.Int64}  # fmt: skip


class Versions:
    """What is published of one version of a month after another."""

    def __init__(self, table, k, steps=True):
        """Without `steps` each version is drawn anew, as if there had been none before."""
        self.table, self.k, self.steps, self.con = table, k, steps, duckdb.connect()
        self.con.execute("attach ':memory:' as region; create schema region.intermediate")
        self.models = MODELS if table == "cohorts" else ("all",)
        self.published = []  # by version: {item as it was then: (level, whether it still is so)}
        self.buyers = {}  # of each item, who is known to have bought it

    def publish(self, items, is_held=False):
        """Items (order, touch, buyer, kin, cell, share of the first touch, revenue, refund) as they are now."""
        self.con.register("items", pl.DataFrame(items, schema=ITEM, orient="row").to_arrow())
        rules = self.con.sql(f"select {self.k}, {DAYS}, {is_held}")
        build, this = getattr(self, f"_{self.table}"), SimpleNamespace(schema="intermediate")
        build(this, rules).create_view("stands", replace=True)
        self.con.execute("create or replace temp table stepped as from stands where order_id is not null")
        how = HOW[self.table]
        if self.steps:
            self.con.execute(f"create or replace table region.intermediate.{how.kept} as from stepped")
        rows = self.con.execute(f"""
            select {', '.join((*how.item, how.kin, how.cell))}, revenue_cents, refund_cents, level, is_current, buyer_id
            from stepped order by all""").fetchall()  # fmt: skip
        version = {}
        for *item, kin, cell, revenue, refund, level, is_current, buyer in rows:
            amounts = tuple(zip(*(one.values() if isinstance(one, dict) else [one] for one in (revenue, refund)),
                                strict=True))  # fmt: skip
            version[*item, kin, cell, amounts] = level, is_current
            self.buyers[*item, kin, cell, amounts] = buyer
        self.published.append(version)
        return self

    def _currencies(self, this, rules):
        return currencies(self.con, this, self.con.sql("""
            select order_id, buyer_id, cell as currency, true as is_priced, date '2026-03-10' as ordered_on,
                revenue as revenue_cents, refund as refund_cents, revenue as revenue_minor, refund as refund_minor
            from items"""), rules)  # fmt: skip

    def _fates(self, this, rules):
        return fates(self.con, this, self.con.sql(f"""
            select date '{MONTH}' as month, order_id, buyer_id, cell as fate, revenue as revenue_cents,
                refund as refund_cents, 1::bigint as order_count from items"""), rules)  # fmt: skip

    def _cohorts(self, this, rules):
        split = {
            name: ", ".join(
                f"{model} := ({name} * {share})::bigint"
                for model, share in zip(MODELS, ("first", "(0.5 + first / 4)"), strict=True)
            )
            for name in ("revenue", "refund", "1000000")
        }
        return cohorts(self.con, this, self.con.sql(f"""
            select date '{MONTH}' as month, order_id, touch_number, buyer_id, kin as cohort, cell as channel,
                struct_pack({split['revenue']}) as revenue_cents, struct_pack({split['refund']}) as refund_cents,
                struct_pack({split['1000000']}) as conversion_millionths, struct_pack({split['refund']}) as cogs_cents
            from items"""), rules)  # fmt: skip


def histories(table, seed, orders, versions=5, gone=0.03, refunds=0.15, skew=1.5, buyers=None, whale=False):
    """Items as each version knows them: they come, some are refunded, some cancelled, some lose their buyer."""
    draw = np.random.default_rng([7, seed])
    names = NAMES[table]
    share = 1 / np.arange(1, len(names) + 1) ** skew
    known = []
    for number in range(orders):
        name = str(draw.choice(names, p=share / share.sum()))
        kin = str(draw.choice(["2026-01", "2026-02"], p=[0.7, 0.3])) if table == "cohorts" else name
        revenue = int(draw.lognormal(8.5, 0.7)) * (200 if whale and number == 0 else 1)
        touches = 2 if table == "cohorts" and draw.random() < 0.4 else 1
        rows = [[f"o{number}", touch, int(draw.integers(buyers or orders)), kin, name, float(not touch), revenue, 0]
                for touch in range(touches)]  # fmt: skip
        for one in rows[1:]:
            one[2], one[4] = rows[0][2], str(draw.choice(names))
        known.append([int(draw.integers(versions)), rows])
    for version in range(versions):
        for at, rows in known:
            refunded, leaves = draw.random() < refunds / versions, draw.random() < gone / versions
            for one in rows if at < version else ():
                one[7] = one[6] if refunded else one[7]
                one[2] = one[2] + 10**6 if leaves and one[2] < 10**6 else one[2]
        for one in known:
            if one[0] < version and draw.random() < gone / versions:
                one[0] = versions
        yield [tuple(one) for at, rows in known if at <= version for one in rows]
