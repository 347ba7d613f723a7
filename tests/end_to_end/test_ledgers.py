"""Ledgers as shops write them go all the way to the marts: items, credit notes, other order numbers, gross events."""

from decimal import Decimal

import pytest

from tests.end_to_end.conftest import order

COLUMNS = ("order_id", "ordered_at", "status", "revenue", "refunded", "currency", "updated_at")


def rows(*lines: str) -> list[dict]:
    return [dict(zip(COLUMNS, line.split(","), strict=True)) for line in lines]


@pytest.mark.slow  # tests/quality/test_order_matching.py and tests/ingestion/sources/test_ledger.py
def test_ledger_and_events_meet_and_every_refund_counts_once(shop):
    shop.configure("{privacy: {k_anonymity: 1}, regions: {eu: {consent_default: granted}}}")
    shop.archive("eu", 0, [
        order("m1", "2026-03-02T10:00:00Z", "A-1001", 119), order("m2", "2026-03-02T11:00:00Z", "a-1002", 100),
        order("m3", "2026-03-02T12:00:00Z", "A-1003", 20),
    ])  # fmt: skip
    shop.table("eu", "ledger/orders.csv", rows(
        "#A-1001,2026-03-02T10:00:00Z,completed,100.00,0,EUR,2026-03-03T00:00:00Z",
        "#A-1001,2026-03-05T10:00:00Z,completed,-30.00,,EUR,2026-03-05T00:00:00Z",
        "#A-1002,2026-03-02T11:00:00Z,refunded,100.00,,EUR,2026-03-03T00:00:00Z",
    ))  # fmt: skip
    items = [{**one, "sku": sku} for one, sku in zip(rows(
        "#A-1003,2026-03-02T12:00:00Z,completed,12.00,0,EUR,2026-03-03T00:00:00Z",
        "#A-1003,2026-03-02T12:00:00Z,completed,8.00,9.50,EUR,2026-03-03T00:00:00Z",
    ), ("shirt", "cap"), strict=True)]  # fmt: skip
    shop.table("eu", "ledger/items.csv", items)
    code, told = shop.romi("run")
    assert (code, told["withheld"]) == (0, {})
    assert shop.query("select orders, revenue, refunds from finance.orders_daily where orders > 0") == [
        (3, Decimal("220.00"), Decimal("139.50"))
    ]
    assert shop.query("""
        select amount_mismatches, mismatch_cause, event_only_orders, ledger_net, warehouse_net, accuracy
        from finance.reconciliation_daily where ledger_orders > 0""") == [
        (1, "gross against net: the event's revenue includes tax", 0, Decimal("80.50"), Decimal("80.50"), 1.0)
    ]  # fmt: skip
    assert any("give another amount than the ledger" in line for line in told["warnings"])
    assert shop.romi("run")[1]["warnings"]  # it is said as long as it is so
