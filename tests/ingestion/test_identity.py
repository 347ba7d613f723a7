"""A ``messageId`` used again for another order or another event is another record."""

from ingestion.books import region_file
from ingestion.identity import commerce_identity
from operations.store.migrations import steps
from tests.ingestion.strategies import order, page


def orders(zone):
    return zone.query("select event, order_id, revenue_minor from raw.events where order_id is not null order by all")


def completed(order_id, event="Order Completed", **properties):
    told = {"order_id": order_id, "revenue": "5.00", "total": "5.00", "currency": "EUR"} | properties
    return order(event, messageId="same", properties=told)


def test_orders_that_share_a_message_id_are_records_of_their_own_in_one_archive_and_over_several(zone):
    zone.archive(page(messageId="same"), completed("o-1"), completed("o-2"), completed("o-1", "Order Refunded"))
    zone.load()
    zone.archive(completed("o-1"), completed("o-3"), completed("o-2", revenue="6.00"), start=4)
    zone.load()
    assert zone.fates() == {"read": 7, "loaded": 5, "duplicate": 2}
    assert [row[:2] for row in orders(zone)] == [
        ("Order Completed", "o-1"), ("Order Completed", "o-2"), ("Order Completed", "o-3"), ("Order Refunded", "o-1"),
    ]  # fmt: skip
    assert zone.query("select count(distinct message_id), count(*) from raw.events") == [(5, 5)]
    assert zone.query("select sum(conflicting) from ops.fates") == [(1,)]


def test_an_order_without_any_person_is_kept_and_nobodys(zone):
    zone.archive(completed("o-1") | {"anonymousId": None, "userId": None})
    zone.load()
    assert zone.fates() == {"read": 1, "anonymised": 1}
    assert orders(zone) == [("Order Completed", "o-1", 500)]
    assert zone.query("from ops.withdrawals") == []


def test_a_file_filled_before_takes_no_order_twice(zone):
    zone.archive(completed("o-1"), page(messageId="m-9"))
    zone.load()
    own = "select replace(message_id::varchar, '-', '') from raw.events where order_id is not null"
    old = "00" * 16
    with region_file(zone.settings, "eu") as con:  # as it was before commerce tracks had an identity of their own
        con.execute("update raw.events set message_id = ?::uuid where order_id is not null", [old])
        [step] = [one for one in steps() if one.format == 12]
        step.region(con, zone.settings, "eu")
    assert zone.query(own) == [(commerce_identity(old, "Order Completed", "o-1"),)]
    assert zone.query("select count(*) from raw.events") == [(2,)]
