"""Payments of orders and what takes them back, as providers list them: what of it is an order, and what its refund."""

from datetime import datetime

import polars as pl
import pytest

from quality.landed_ledger import ledger_orders
from tests.ingestion.sources.tables import read

PAYPAL = ["Date", "Time", "TimeZone", "Type", "Status", "Currency", "Gross", "Transaction ID",
          "Shipping and Handling Amount", "Sales Tax", "Invoice Number"]  # fmt: skip
STRIPE = ["id", "Created date (UTC)", "Amount", "Amount Refunded", "Currency", "Status", "order_id (metadata)"]
BALANCE = ["id", "Type", "Amount", "Fee", "Net", "Currency", "Created (UTC)", "order_id (metadata)"]
AMAZON = ["settlement-id", "transaction-type", "order-id", "amount-type", "amount-description", "amount", "currency",
          "posted-date-time", "order-item-code"]  # fmt: skip
SALE, REFUND = "Express Checkout Payment", "Payment Refund"


def paypal(*rows):
    """Of (day, type, status, gross, tax)."""
    return PAYPAL, [
        [f"2026-03-0{day}", "10:00:00", "UTC", kind, status, "EUR", gross, f"T{number}", "0", *(tax or ["0"]), "o1"]
        for number, (day, kind, status, gross, *tax) in enumerate(rows)
    ]


def charges(*rows):
    """Of (day, amount, refunded, status)."""
    return STRIPE, [
        [f"ch_{number}", f"2026-03-0{day} 10:00:00", amount, refunded, "eur", status, "o1"]
        for number, (day, amount, refunded, status) in enumerate(rows)
    ]


DISPUTES = [*STRIPE, "Disputed Amount", "Dispute Status"]


def disputed(*rows):
    """Of (amount, refunded, status, disputed, outcome)."""
    return DISPUTES, [
        [f"ch_{number}", f"2026-03-0{number + 1} 10:00:00", amount, refunded, "eur", status, "o1", taken, outcome]
        for number, (amount, refunded, status, taken, outcome) in enumerate(rows)
    ]


def balance(*rows):
    """Of (day, type, amount)."""
    return BALANCE, [
        [f"txn_{number}", kind, amount, "0", amount, "eur", f"2026-03-0{day} 10:00", "o1"]
        for number, (day, kind, amount) in enumerate(rows)
    ]


def settlement(*rows):
    """Of (day, kind, item, amount)."""
    return AMAZON, [
        ["1", kind, "o1", "ItemPrice", "Principal", amount, "EUR", f"2026-03-0{day} 10:00:00 UTC", item]
        for day, kind, item, amount in rows
    ]


# What is listed; and the order's day, its revenue and what came back of it.
CASES = {
    "paid in two": (paypal((1, SALE, "Completed", "60"), (3, SALE, "Completed", "40")), (1, 100_00, 0)),
    "a refund that was denied": (paypal((1, SALE, "Completed", "60"), (3, REFUND, "Denied", "-60")), (1, 60_00, 0)),
    "a payment that was denied": (paypal((1, SALE, "Denied", "60"), (3, SALE, "Completed", "60")), (3, 60_00, 0)),
    "two equal refunds at once": (
        paypal((1, SALE, "Completed", "60"), (3, REFUND, "Completed", "-10"), (3, REFUND, "Completed", "-10")),
        (1, 60_00, 20_00)),
    "a refund that does not tell its tax": (
        paypal((1, SALE, "Completed", "124", "24"), (3, REFUND, "Completed", "-62")), (1, 100_00, 50_00)),
    "a refund that tells its tax": (
        paypal((1, SALE, "Completed", "124", "24"), (3, REFUND, "Completed", "-62", "-2")), (1, 100_00, 60_00)),
    "held for a while": (
        paypal((1, SALE, "Completed", "60"), (2, "Payment Review Hold", "Completed", "-60"),
               (3, "Payment Review Release", "Completed", "60")),
        (1, 60_00, 0)),
    "a dispute that was won": (
        paypal((1, SALE, "Completed", "60"), (3, "Chargeback", "Completed", "-60"),
               (5, "Chargeback Reversal", "Completed", "60")),
        (1, 60_00, 0)),
    "a charge and a second one": (charges((1, "60", "0", "Paid"), (2, "40", "5", "Paid")), (1, 100_00, 5_00)),
    "charged twice by mistake": (charges((1, "60", "0", "Paid"), (1, "60", "60", "Refunded")), (1, 120_00, 60_00)),
    "a charge that failed afterwards": (charges((1, "60", "0", "Paid"), (2, "60", "0", "Failed")), (1, 60_00, 0)),
    "a dispute that was lost": (disputed(("60", "0", "Paid", "60", "Lost")), (1, 60_00, 60_00)),
    "a dispute of what was not given back": (disputed(("60", "10", "Paid", "50", "Needs Response")), (1, 60_00, 60_00)),
    "a dispute of a part": (disputed(("60", "0", "Disputed", "20", "lost")), (1, 60_00, 20_00)),
    "a dispute whose amount is not told": (disputed(("60", "0", "Disputed", "", "lost")), (1, 60_00, 60_00)),
    "a won dispute of a charge": (disputed(("60", "0", "Disputed", "60", "Won")), (1, 60_00, 0)),
    "an inquiry": (disputed(("60", "10", "Partial Refund", "60", "warning_closed")), (1, 60_00, 10_00)),
    "a refund that failed": (
        balance((1, "charge", "60"), (2, "refund", "-60"), (4, "refund_failure", "60")), (1, 60_00, 0)),
    "a dispute with a part given back before": (
        balance((1, "charge", "60"), (2, "refund", "-10"), (3, "adjustment", "-50"), (4, "adjustment", "50")),
        (1, 60_00, 10_00)),
    "shipped in two": (settlement((1, "Order", "A", "60"), (3, "Order", "B", "40")), (1, 100_00, 0)),
    "an item shipped in two": (settlement((1, "Order", "A", "60"), (3, "Order", "A", "60")), (1, 120_00, 0)),
    "given back as it was given": (
        settlement((1, "Order", "A", "60"), (3, "Refund", "B", "-5"), (3, "Refund", "B", "5")), (1, 60_00, 0)),
    "nothing but free goods": (settlement((1, "Order", "A", "5"), (1, "Order", "A", "-5")), (1, 0, 0)),
}  # fmt: skip


def landed(folder, head, *files):
    """The rows of some files, each a list of lines, as the table of the ledger has them."""
    preset = {"preset": "stripe_payments" if "Status" in head else "stripe_balance"} if "id" in head else {}
    rows = []
    for number, lines in enumerate(files, 1):
        content = "\n".join(",".join(line) for line in [head, *lines]) + "\n"
        found = read(folder, content, source="ledger", **preset).rows
        rows.append(found.with_columns(pl.lit(f"ledger/{number}.csv").alias("file")))
    return pl.concat(rows)


@pytest.mark.parametrize("name", CASES)
def test_what_was_paid_for_an_order_adds_up_and_what_took_it_back_is_its_refund(tmp_path, name):
    (head, lines), order = CASES[name]
    in_files = [lines], [lines[::-1]], [[line] for line in lines], [[line] for line in lines[::-1]], [lines, lines[1:]]
    for files in (files for files in in_files if all(files)):
        rows = ledger_orders(landed(tmp_path, head, *files))
        columns = rows.select("ordered_at", "revenue_minor", "refunded_minor")
        assert columns.rows() == [(datetime(2026, 3, order[0], 10), *order[1:])], files
