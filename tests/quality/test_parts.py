"""Tables that divide a month into parts: what they name, and what one version less another shows, rests on k buyers."""

from collections import defaultdict
from datetime import date
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pytest

from quality.divisions import CURRENCIES, currencies
from quality.parts import Division, stepped
from quality.step_tables import Rules

MONTH = date(2026, 3, 1)
ORDER = {"order_id": pl.String, "buyer_id": pl.Int64, "currency": pl.String, "revenue_cents": pl.Int64,
         "refund_cents": pl.Int64, "revenue_minor": pl.Int64, "refund_minor": pl.Int64}  # fmt: skip


class Versions:
    """What is published of one version of a shop's orders after another."""

    def __init__(self, k):
        self.k, self.con = k, duckdb.connect()
        self.con.execute("attach ':memory:' as region; create schema region.intermediate")

    def publish(self, orders, is_held=False):
        """Rows (order, buyer, currency, revenue, refund) as they are now; returns the rows as they stand."""
        rows = [(*one[:3], one[3], one[4], one[3], one[4]) for one in orders]
        self.con.register("orders", pl.DataFrame(rows, schema=ORDER, orient="row").to_arrow())
        conversions = self.con.sql("select *, true as is_priced, date '2026-03-10' as ordered_on from orders")
        rules = self.con.sql(
            f"select {self.k}, date '{MONTH}', date '{MONTH}', date '{MONTH}', date '{MONTH}', {is_held}"
        )
        stands = currencies(self.con, SimpleNamespace(schema="intermediate"), conversions, rules)
        stands.create_view("stands", replace=True)
        self.con.execute("create or replace temp table stepped as from stands where order_id is not null")
        kept = f"region.intermediate.{CURRENCIES.kept}"
        self.con.execute(f"create or replace table {kept} as from stepped")
        return self.con.execute(f"""select order_id, buyer_id, currency, revenue_cents, refund_cents, level, is_current
            from {kept} order by all""").fetchall()  # fmt: skip


def _histories(draw, versions):
    """Orders as each version knows them: some come late, are refunded, are cancelled, or turn out to be another's."""
    orders = [
        [f"o{n}", int(draw.integers(0, 30)), str(draw.choice(["EUR", "GBP", "USD", "SEK"], p=[0.6, 0.2, 0.15, 0.05])),
         int(draw.integers(0, 3) * 100), 0, int(draw.integers(0, versions))]
        for n in range(int(draw.integers(5, 120)))
    ]  # fmt: skip
    for version in range(versions):
        for one in orders:
            if one[5] < version and draw.random() < 0.03:
                one[draw.choice([1, 4])] = int(draw.integers(0, 30))
            if draw.random() < 0.01:
                one[5] = versions
        yield [tuple(one[:5]) for one in orders if one[5] <= version]


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 40))])
def test_a_part_and_its_change_since_any_version_before_rest_on_k_buyers(seed):
    draw, k = np.random.default_rng(seed), 5
    shop, before = Versions(k), []
    for orders in _histories(draw, 8):
        rows = shop.publish(orders)
        buyer_of = {one[0]: one[1] for one in orders}
        stands = defaultdict(dict)
        for order, _, currency, revenue, refund, level, _ in rows:
            if level:
                stands[currency][order, revenue, refund] = buyer_of.get(order, -1)
        for currency, mine in stands.items():
            assert len(set(mine.values()) - {-1}) + any(buyer == -1 for buyer in mine.values()) * k >= k, currency
        for earlier in before:
            for currency in stands.keys() | earlier.keys():
                now, was = stands[currency], earlier.get(currency, {})
                moved = {order for order, *_ in now.keys() ^ was.keys()}
                buyers = {buyer_of.get(order, f"gone {order}") for order in moved}
                assert not buyers or len(buyers) >= k or not now, (currency, buyers)
        before.append({currency: dict(mine) for currency, mine in stands.items()})
        waiting = {buyer_of[one[0]] for one in rows if one[6] and not one[5]}
        assert sorted(one[0] for one in rows if one[6]) == sorted(buyer_of)
        assert waiting or not orders or all(one[5] for one in rows if one[6])


def test_with_a_k_of_1_every_order_stands_in_its_currency_at_once():
    shop = Versions(1)
    orders = [("a", 1, "EUR", 100, 0), ("b", 2, "USD", 50, 0)]
    assert [row[5] for row in shop.publish(orders)] == [2, 2]
    rows = shop.publish([("a", 1, "EUR", 100, 30), *orders[1:]])
    assert [(row[0], row[4], row[5]) for row in rows] == [("a", 30, 2), ("b", 0, 2)]


def test_what_is_new_of_a_currency_waits_for_k_buyers():
    shop = Versions(3)
    assert {row[5] for row in shop.publish([(f"o{n}", n, "EUR", 100, 0) for n in range(3)])} == {2}
    five = [(f"o{n}", n, "EUR", 100, 0) for n in range(5)]
    assert [row[5] for row in shop.publish(five)] == [2, 2, 2, 0, 0]
    refunded = [*five[:4], ("o4", 4, "EUR", 100, 60), ("o5", 5, "EUR", 100, 0)]
    assert [(row[0], row[4], row[5]) for row in shop.publish(refunded)] == [
        ("o0", 0, 2), ("o1", 0, 2), ("o2", 0, 2), ("o3", 0, 2), ("o4", 60, 2), ("o5", 0, 2)
    ]  # fmt: skip


def test_what_could_have_been_shown_before_a_restore_moves_with_k_buyers_who_could_not():
    shop = Versions(3)
    orders = [(f"o{n}", n, "EUR", 100, 0) for n in range(12)]
    assert {row[5] for row in shop.publish(orders[:3])} == {2}
    assert sorted(row[5] for row in shop.publish(orders[:7], is_held=True)) == [0, 0, 0, 0, 2, 2, 2]
    assert sorted(row[5] for row in shop.publish(orders[:9])) == [0] * 6 + [2] * 3
    assert {row[5] for row in shop.publish(orders[:10])} == {2}


def test_a_step_leaves_what_its_proof_looked_at_and_a_build_without_one_leaves_nothing():
    shop = Versions(3)
    shop.publish([(f"o{n}", n, "EUR" if n < 9 else "USD", 100, 0) for n in range(12)])
    proofs = "select month, proof.step, proof.is_first, proof.is_fallen_back from stands where order_id is null"
    assert shop.con.execute(proofs).fetchall() == [(MONTH, 1, True, False)]
    later = [(f"o{n}", n, "EUR" if n < 9 or n > 11 else "USD", 100, 0) for n in range(16)]
    shop.publish(later[:14])
    shop.publish(later)
    assert shop.con.execute(proofs).fetchall() == [(MONTH, 3, False, False)]
    assert shop.con.execute("select sum(proof.looked_at) from stands").fetchall()[0][0] > 0
    shop.publish(later)
    assert shop.con.execute(proofs).fetchall() == []


def test_an_item_of_no_part_waits_for_good_and_parts_may_stand_with_their_kin():
    con = duckdb.connect()
    con.execute("attach ':memory:' as region; create schema region.intermediate")
    items = con.sql("""
        select date '2026-03-01' as month, 'o' || n as order_id, n as buyer_id, kin, cell, 100::bigint as revenue,
            1::bigint as orders
        from (values ('big', 'a', 6), ('mixed', 'b', 2), ('mixed', 'c', 2), (null, null, 3)) as t (kin, cell, size),
            (select unnest(range(40)) as n)
        where n // 10 = case cell when 'a' then 0 when 'b' then 1 when 'c' then 2 else 3 end and n % 10 < size""")
    how = Division("int_privacy__nothing", ("order_id",), "cell", "kin", ("revenue", "orders"))
    found = stepped(con, SimpleNamespace(schema="intermediate"), items, Rules(3, *[MONTH] * 4), how)
    stands = found.filter("order_id is not null")
    assert stands.aggregate("cell, level, count(*)").order("cell nulls last").fetchall() == [
        ("a", 2, 6), ("b", 1, 2), ("c", 1, 2), (None, 0, 3)
    ]  # fmt: skip
