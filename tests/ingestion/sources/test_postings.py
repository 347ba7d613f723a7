"""Payments of orders and what takes them back, as providers list them: what of it is an order, and what its refund."""

import pytest

from tests.ingestion.sources.tables import read

PAYPAL = ["Date", "Time", "TimeZone", "Type", "Status", "Currency", "Gross", "Transaction ID",
          "Shipping and Handling Amount", "Sales Tax", "Invoice Number"]  # fmt: skip
STRIPE = ["id", "Created date (UTC)", "Amount", "Amount Refunded", "Currency", "Status", "order_id (metadata)"]
BALANCE = ["id", "Type", "Amount", "Fee", "Net", "Currency", "Created (UTC)", "order_id (metadata)"]
AMAZON = ["settlement-id", "transaction-type", "order-id", "amount-type", "amount-description", "amount", "currency",
          "posted-date-time", "order-item-code"]  # fmt: skip
SALE, REFUND = "Express Checkout Payment", "Payment Refund"


def paypal(*rows):
    """Of (day, type, status, gross)."""
    return PAYPAL, [
        [f"2026-03-0{day}", "10:00:00", "UTC", kind, status, "EUR", gross, f"T{number}", "0", "0", "o1"]
        for number, (day, kind, status, gross) in enumerate(rows)
    ]


def charges(*rows):
    """Of (day, amount, refunded, status)."""
    return STRIPE, [
        [f"ch_{number}", f"2026-03-0{day} 10:00:00", amount, refunded, "eur", status, "o1"]
        for number, (day, amount, refunded, status) in enumerate(rows)
    ]


def balance(*rows):
    """Of (day, type, amount)."""
    return BALANCE, [
        [f"txn_{number}", kind, amount, "0", amount, "eur", f"2026-03-0{day} 10:00", "o1"]
        for number, (day, kind, amount) in enumerate(rows)
    ]


def settlement(*rows):
    """Of (day, item, amount)."""
    return AMAZON, [
        ["1", "Order", "o1", "ItemPrice", "Principal", amount, "EUR", f"2026-03-0{day} 10:00:00 UTC", item]
        for day, item, amount in rows
    ]


CASES = {
    "paid in two": (paypal((1, SALE, "Completed", "60"), (3, SALE, "Completed", "40")), (1, 100_00, 0), []),
    "a refund that was denied": (paypal((1, SALE, "Completed", "60"), (3, REFUND, "Denied", "-60")), (1, 60_00, 0), []),
    "a payment that was denied": (paypal((1, SALE, "Denied", "60"), (3, SALE, "Completed", "60")), (3, 60_00, 0), []),
    "two equal refunds at once": (
        paypal((1, SALE, "Completed", "60"), (3, REFUND, "Completed", "-10"), (3, REFUND, "Completed", "-10")),
        (1, 60_00, 0), [-20_00]),
    "held for a while": (
        paypal((1, SALE, "Completed", "60"), (2, "Payment Review Hold", "Completed", "-60"),
               (3, "Payment Review Release", "Completed", "60")),
        (1, 60_00, 0), []),
    "a dispute that was won": (
        paypal((1, SALE, "Completed", "60"), (3, "Chargeback", "Completed", "-60"),
               (5, "Chargeback Reversal", "Completed", "60")),
        (1, 120_00, 0), [-60_00]),
    "a charge and a second one": (charges((1, "60", "0", "Paid"), (2, "40", "5", "Paid")), (1, 100_00, 5_00), []),
    "charged twice by mistake": (charges((1, "60", "0", "Paid"), (1, "60", "60", "Refunded")), (1, 120_00, 60_00), []),
    "a charge that failed afterwards": (charges((1, "60", "0", "Paid"), (2, "60", "0", "Failed")), (1, 60_00, 0), []),
    "a refund that failed": (
        balance((1, "charge", "60"), (2, "refund", "-60"), (4, "refund_failure", "60")), (1, 120_00, 0), [-60_00]),
    "shipped in two": (settlement((1, "A", "60"), (3, "B", "40")), (1, 100_00, 0), []),
    "an item shipped in two": (settlement((1, "A", "60"), (3, "A", "60")), (1, 120_00, 0), []),
    "given back as it was given": (settlement((1, "A", "60"), (3, "B", "-5"), (3, "B", "5")), (1, 60_00, 0), []),
    "nothing but free goods": (settlement((1, "A", "5"), (1, "A", "-5")), (1, 0, 0), []),
}  # fmt: skip


def as_models_add_up(rows):
    """Each order's day, revenue and refunds by file and moment, as the ledger's model adds its items up."""
    found = {}
    last = {one["ordered_at"]: max(two["updated_at"] for two in rows if two["ordered_at"] == one["ordered_at"])
            for one in rows}  # fmt: skip
    for row in rows:
        assert row["item_hash"] is not None
        at = row["ordered_at"]
        day, revenue, refunded = found.get(at, (at.day, 0, 0))
        if row["status"] != "cancelled":
            assert row["updated_at"] == last[at], "an earlier version of an item does not count"
            found[at] = (day, revenue + row["revenue_minor"], refunded + row["refunded_minor"])
    return list(found.values())


@pytest.mark.parametrize("name", CASES)
def test_what_was_paid_for_an_order_adds_up_and_what_took_it_back_is_its_refund(tmp_path, name):
    (head, lines), order, notes = CASES[name]
    preset = {"preset": "stripe_payments" if head is STRIPE else "stripe_balance"} if "id" in head else {}
    for some in (lines, lines[::-1]):
        content = "\n".join(",".join(line) for line in [head, *some]) + "\n"
        found = as_models_add_up(read(tmp_path, content, source="ledger", **preset).rows.to_dicts())
        assert [one for one in found if one[1] >= 0] == [order]
        assert [revenue for _, revenue, _ in found if revenue < 0] == notes
