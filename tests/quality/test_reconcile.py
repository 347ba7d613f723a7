from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from ingestion.books import region_file, transaction
from quality.landed_orders import Order, landed_orders
from quality.landed_rates import Rates, half_even
from quality.reconcile import reconcile
from quality.set_aside import lines, summary
from settings import Region, Settings, UnknownValueError

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)


_SPEND = (
    "file, line, platform, spend_on, campaign_id, campaign_name, channel, impressions, clicks, spend_minor, currency"
)


class Shop:
    """A region's file as dbt would leave it: what lands here also stands in the warehouse, until a test breaks it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.con, self.settings, self.lines = con, settings, 0
        con.execute("""
            create schema finance; create schema intermediate;
            create table intermediate.int_orders__conversions (
                order_id varchar, ordered_on date, currency varchar,
                revenue_cents bigint, refund_cents bigint, cogs_cents hugeint, is_in_events boolean,
                conversion_type varchar);
            create table intermediate.int_fx__daily_rates (
                priced_on date, currency varchar, cents_numerator hugeint, minor_denominator hugeint);
            create table finance.orders_daily (
                date date, orders bigint, revenue decimal(18,2), refunds decimal(18,2), cogs decimal(18,2));
            create table finance.romi_daily (date date, attribution_model varchar, conversions decimal(18,6),
                revenue decimal(18,2), refunds decimal(18,2), cogs decimal(18,2));
            insert into raw.fx_rates values ('2026-02-27', 'USD', 110000000), ('2026-02-27', 'JPY', 16000000000)""")

    def ledger(self, order: str, at: str, revenue: int, *, refunded: int = 0, cogs: int | None = None,
               currency: str = "EUR", status: str = "completed", updated_at: str = "2026-03-09",
               file: str = "ledger.csv") -> None:  # fmt: skip
        self.lines += 1
        self.con.execute(
            "insert into raw.ledger_orders values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null, null)",
            [file, self.lines, order, at, status, revenue, refunded, cogs, currency, updated_at],
        )

    def event(self, order: str, at: str, event: str = "Order Completed", **money: int | str) -> None:
        self.lines += 1
        columns = {
            "message_id": UUID(int=self.lines), "message_order": UUID(int=self.lines), "archive_id": 1,
            "record_offset": self.lines, "type": "track", "event": event, "occurred_at": datetime.fromisoformat(at),
            "order_id": order, "is_anonymised": False, "currency": "EUR", **money,
        }  # fmt: skip
        names = ", ".join(columns)
        self.con.execute(
            f"insert into raw.events ({names}) values ({', '.join('?' * len(columns))})", list(columns.values())
        )

    def spend(self, currency: str, on: date = DAY) -> None:
        self.con.execute(
            f"insert into raw.spend ({_SPEND}) values ('s', 1, 'google_ads', ?, 'c', 'c', null, 1, 1, 100, ?)",
            [on, currency],
        )

    def holds(
        self, order: str, revenue: int, refund: int = 0, cogs: int = 0, *, day: date = DAY, currency: str = "EUR"
    ) -> None:
        self.con.execute(
            "insert into intermediate.int_orders__conversions values (?, ?, ?, ?, ?, ?, false, 'Order Completed')",
            [order, day, currency, revenue, refund, cogs],
        )

    def build(self) -> None:
        self.con.execute("""
            delete from finance.orders_daily;
            insert into finance.orders_daily
            select ordered_on, count(*), sum(revenue_cents) * 0.01, sum(refund_cents) * 0.01, sum(cogs_cents) * 0.01
            from intermediate.int_orders__conversions group by all;
            delete from finance.romi_daily;
            insert into finance.romi_daily
            select date, unnest(['linear', 'last_touch']), orders, revenue, refunds, cogs from finance.orders_daily""")

    def reconcile(self, first: date = DAY, last: date = NEXT) -> dict[date, str]:
        with transaction(self.con):
            return reconcile(self.con, self.settings, "eu", first, last)

    def row(self, day: date = DAY) -> dict[str, object]:
        cursor = self.con.execute("from finance.reconciliation_daily where date = ?", [day])
        names = [column[0] for column in cursor.description]
        return dict(zip(names, cursor.fetchall()[0], strict=True))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    settings = Settings(warehouse=tmp_path, regions={"eu": Region(timezone="Europe/Berlin")})
    with region_file(settings, "eu") as con:
        yield Shop(con, settings)


@pytest.fixture
def clean(shop: Shop) -> Shop:
    """Two orders of the ledger, one of them with its event, and one that only events know."""
    shop.ledger("a", "2026-03-02 10:00", 10_001, refunded=1, cogs=4_000)
    shop.event("a", "2026-03-02 10:00", revenue_minor=9_000)
    shop.ledger("b", "2026-03-02 22:59:59", 1_100, currency="USD")
    shop.event("c", "2026-03-02 12:00", revenue_minor=1_000, tax_minor=200, shipping_minor=50)
    shop.event("c", "2026-03-04 12:00", "Order Refunded", total_minor=625)
    shop.holds("a", 10_001, 1, 4_000)
    shop.holds("b", 1_000, 0, 500, currency="USD")
    shop.holds("c", 1_000, 500, 250)
    shop.build()
    return shop


def test_a_clean_day_is_silent_and_booked(clean: Shop) -> None:
    assert clean.reconcile() == {}
    assert clean.row() == {
        "date": DAY, "region": "eu", "ledger_orders": 2, "warehouse_orders": 3, "missing_in_warehouse": 0,
        "missing_in_ledger": 1, "amount_mismatches": 1, "mismatch_cause": "no common cause", "wrong_amounts": 0,
        "ledger_revenue": Decimal("110.01"), "warehouse_revenue": Decimal("120.01"), "ledger_refunds": Decimal("0.01"),
        "warehouse_refunds": Decimal("5.01"), "ledger_net": Decimal("110.00"), "warehouse_net": Decimal("115.00"),
        "event_only_orders": 1, "event_only_revenue": Decimal("10.00"), "accuracy": 1.0, "event_match_rate": 0.5,
        "refused_rows": 0,
    }  # fmt: skip
    assert clean.con.execute("select count(*) from finance.reconciliation_daily").fetchone() == (
        1,
    )  # none for an empty day


def test_reconciling_again_replaces_the_window_only(clean: Shop) -> None:
    clean.reconcile()
    clean.con.execute(
        "insert into finance.reconciliation_daily (date, region) values ('2026-03-01', 'eu'), ('2026-03-03', 'eu')"
    )
    clean.reconcile()
    days = clean.con.execute("select date from finance.reconciliation_daily order by all").fetchall()
    assert days == [(date(2026, 3, 1),), (DAY,)]


def test_the_latest_row_of_the_ledger_counts(clean: Shop) -> None:
    clean.ledger("a", "2026-02-01 10:00", 1, updated_at="2026-03-08")  # older, though delivered later
    clean.ledger("d", "2026-03-02 10:00", 700, updated_at="2026-03-08")
    clean.ledger("d", "2026-03-02 10:00", 700, status="cancelled", updated_at="2026-03-09")
    clean.event("d", "2026-03-02 10:00", revenue_minor=700)  # cancelled in the ledger: the event revives nothing
    clean.event("e", "2026-03-02 10:00", revenue_minor=700)
    clean.event("e", "2026-03-05 10:00", "Order Cancelled")
    assert clean.reconcile() == {}
    assert clean.row()["ledger_orders"] == 2


def test_an_order_lost_is_missing(clean: Shop) -> None:
    clean.con.execute("delete from intermediate.int_orders__conversions where order_id = 'a'")
    clean.build()
    assert "accuracy" in clean.reconcile()[DAY]
    assert clean.row() | {"missing_in_warehouse": 1, "accuracy": 0.5, "warehouse_orders": 2} == clean.row()


def test_an_order_doubled_is_a_mismatch(clean: Shop) -> None:
    clean.holds("a", 10_001, 1, 4_000)
    clean.build()
    assert "accuracy" in clean.reconcile()[DAY]
    assert clean.row() | {"wrong_amounts": 1, "warehouse_orders": 4, "missing_in_warehouse": 0} == clean.row()


@pytest.mark.parametrize(
    "wrong", ["revenue_cents = 10002", "refund_cents = 0", "cogs_cents = 3999", "currency = 'USD'"]
)
def test_one_cent_off_or_a_wrong_currency_is_a_mismatch(clean: Shop, wrong: str) -> None:
    clean.con.execute(f"update intermediate.int_orders__conversions set {wrong} where order_id = 'a'")
    clean.build()
    reason = clean.reconcile()[DAY]
    assert reason == "accuracy below 0.999: 1 of 2 ledger orders are missing or differ"
    assert clean.row()["wrong_amounts"] == 1


def test_an_order_moved_across_midnight_is_missing_on_its_day(clean: Shop) -> None:
    # 23:59:59 in Berlin; one second more and it is of the next day.
    clean.con.execute("update intermediate.int_orders__conversions set ordered_on = '2026-03-03' where order_id = 'b'")
    clean.build()
    withheld = clean.reconcile()
    assert set(withheld) == {DAY, NEXT}
    assert clean.row()["missing_in_warehouse"] == 1
    assert clean.row(NEXT) | {
        "missing_in_ledger": 1,
        "ledger_orders": 0,
        "accuracy": None,
        "event_match_rate": None,
    } == (clean.row(NEXT))


def test_an_order_that_only_events_know_is_seen_by_the_day_s_total(clean: Shop) -> None:
    clean.con.execute("update intermediate.int_orders__conversions set refund_cents = 499 where order_id = 'c'")
    clean.build()
    assert clean.reconcile() == {DAY: "refunds of orders_daily is not that of the landed ledger and events"}
    assert clean.row()["accuracy"] == 1.0


def test_events_refund_no_more_than_the_revenue(shop: Shop) -> None:
    shop.event("c", "2026-03-02 12:00", revenue_minor=1_000)
    for _ in range(2):
        shop.event("c", "2026-03-02 13:00", "Order Refunded", total_minor=900)
    shop.holds("c", 1_000, 1_000)
    shop.build()
    assert shop.reconcile() == {}


def test_the_first_event_of_an_order_sets_its_day_and_money(shop: Shop) -> None:
    shop.event("c", "2026-03-02 23:30", revenue_minor=2_000)  # the next day in Berlin
    shop.event("c", "2026-03-02 12:00", revenue_minor=1_000)
    shop.holds("c", 1_000, 0, 500)
    shop.build()
    assert shop.reconcile() == {}


@pytest.mark.parametrize("source", ["ledger", "spend"])
def test_a_currency_without_a_rate_is_named_first(clean: Shop, source: str) -> None:
    if source == "ledger":
        clean.ledger("kwd-order", "2026-03-02 10:00", 700, currency="KWD")
    else:
        clean.spend("KWD")
    clean.con.execute(
        "delete from intermediate.int_orders__conversions where order_id = 'b'"
    )  # an error of lower order
    clean.build()
    reason = clean.reconcile()[DAY]
    assert reason.startswith("no reference rate for KWD")
    assert "kwd-order" not in reason


@pytest.mark.parametrize("source", ["events", "refund"])
def test_an_order_of_events_alone_without_a_rate_holds_back_itself_and_not_its_day(clean: Shop, source: str) -> None:
    """Anyone can send an event."""
    if source == "events":
        clean.event("kwd-order", "2026-03-02 10:00", revenue_minor=700, currency="KWD")
    else:
        clean.event("c", "2026-03-02 13:00", "Order Refunded", total_minor=1, currency="KWD")
        clean.con.execute("delete from intermediate.int_orders__conversions where order_id = 'c'")
        clean.build()
    assert clean.reconcile() == {}
    named = [("kwd-order", "KWD", 700)] if source == "events" else [("c", "EUR", 1_000)]
    assert clean.con.execute("select order_id, currency, revenue_minor from ops.unpriced_orders").fetchall() == named
    assert (clean.row()["ledger_orders"], clean.row()["accuracy"]) == (2, 1.0)
    [line] = lines(summary(clean.con))
    worth = "KWD 0.700" if source == "events" else "EUR 10.00"
    assert line.startswith(f"1 order not published ({worth}), that only events know: there is no reference rate")
    clean.con.execute("insert into raw.fx_rates values ('2026-03-02', 'KWD', 30000000)")
    assert set(clean.reconcile()) == {DAY}  # it is missing now
    assert clean.con.execute("from ops.unpriced_orders").fetchall() == []


@pytest.mark.parametrize("revenue", [200_011, 10**14])
def test_an_order_of_events_alone_that_outweighs_the_ledger_must_not_be_published(clean: Shop, revenue: int) -> None:
    clean.event("huge", "2026-03-02 10:00", revenue_minor=revenue)
    assert clean.reconcile() == {}
    clean.holds("huge", revenue, 0, revenue // 2)
    clean.build()
    assert list(clean.reconcile()) == [DAY]
    clean.con.execute("""
        insert into ops.quarantine by name
        select 'huge' as order_id, 'implausible_order' as reason, 'romi' as set_aside_by,
            now()::timestamp as set_aside_at, now()::timestamp as released_at""")
    assert "huge" in {one.order_id for one in landed_now(clean)}
    assert DAY not in clean.reconcile() or revenue % 2  # released by hand, it has to be there


def landed_now(shop: Shop) -> list[Order]:
    return list(landed_orders(shop.con, shop.settings, "eu", (DAY, NEXT), Rates(shop.con, shop.settings, NEXT, ())))


def test_what_is_set_aside_by_hand_counts_on_neither_side(clean: Shop) -> None:
    clean.con.execute("""
        insert into ops.quarantine by name
        select unnest(['a', 'c']) as order_id, 'fraud' as reason, 'ann' as set_aside_by,
            now()::timestamp as set_aside_at""")
    clean.con.execute("delete from intermediate.int_orders__conversions where order_id in ('a', 'c')")
    clean.build()
    assert clean.reconcile() == {}
    assert clean.row()["ledger_orders"] == 1


def test_a_rate_counts_from_its_day_on_and_a_restated_cost_by_its_last_row(shop: Shop) -> None:
    shop.con.execute("insert into raw.fx_rates values ('2026-03-03', 'GBP', 80000000)")
    shop.spend("KWD")
    shop.con.execute("update raw.spend set file = 'r'")
    shop.spend("USD")
    shop.spend("GBP", NEXT)
    assert shop.reconcile() == {}
    shop.spend("GBP", DAY)
    assert list(shop.reconcile()) == [DAY]


def test_the_reporting_currency_may_be_the_one_that_lacks_a_rate(clean: Shop) -> None:
    clean.settings = clean.settings.model_copy(update={"reporting_currency": "GBP"})
    assert clean.reconcile()[DAY] == "no reference rate for GBP, needed for an order"


def test_money_is_turned_half_even_from_any_minor_unit(shop: Shop) -> None:
    shop.ledger("yen", "2026-03-02 10:00", 1_000, currency="JPY")  # 1000 / 160 = 6.25
    shop.ledger("half", "2026-03-02 10:00", 275, cogs=11, currency="USD")  # 2.50 and 0.10
    shop.ledger("odd", "2026-03-02 10:00", 25)  # margin 12.5 cents goes to 12, so cogs are 13
    shop.holds("yen", 625, 0, 313, currency="JPY")
    shop.holds("half", 250, 0, 10, currency="USD")
    shop.holds("odd", 25, 0, 13)
    shop.build()
    assert shop.reconcile() == {}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (
            "update finance.romi_daily set revenue = revenue - 0.01 where attribution_model = 'linear'",
            "revenue of linear",
        ),
        ("update finance.romi_daily set conversions = 2.999999 where attribution_model = 'linear'", "orders of linear"),
        (
            "delete from finance.romi_daily where attribution_model = 'last_touch' and date = '2026-03-02'",
            "of last_touch",
        ),
        ("delete from finance.romi_daily", "of every model"),
    ],
)
def test_a_model_that_loses_money_is_seen(clean: Shop, damage: str, reason: str) -> None:
    clean.con.execute("insert into finance.romi_daily values ('2026-01-01', 'last_touch', 0, 0, 0, 0)")
    clean.con.execute(damage)
    found = clean.reconcile()[DAY]
    assert found.startswith("not conserved")
    assert reason in found


def test_orders_daily_off_by_a_cent_is_seen_though_the_models_agree(clean: Shop) -> None:
    clean.con.execute("update finance.orders_daily set revenue = revenue + 0.01")
    clean.con.execute("update finance.romi_daily set revenue = revenue + 0.01")
    assert clean.reconcile() == {DAY: "revenue of orders_daily is not that of the landed ledger and events"}


def test_an_unknown_region_is_refused(shop: Shop) -> None:
    with pytest.raises(UnknownValueError, match="eu"):
        reconcile(shop.con, shop.settings, "mars", DAY, NEXT)


@pytest.mark.parametrize(("dividend", "expected"), [(5, 0), (15, 2), (25, 2), (26, 3), (-5, 0), (-15, -2), (-26, -3)])
def test_half_even(dividend: int, expected: int) -> None:
    assert half_even(dividend, 10) == expected


def fill_days_before(shop: Shop, days: int, orders: int, wrong: int = 0) -> None:
    shop.reconcile(date(2026, 1, 1), date(2026, 1, 1))  # makes the table
    shop.con.execute(
        """insert into finance.reconciliation_daily
            (date, region, ledger_orders, missing_in_warehouse, wrong_amounts)
        select ?::date - n::integer, 'eu', ?, 0, ? from range(1, ? + 1) as days (n)""",
        [DAY, orders, wrong, days],
    )


def test_a_day_too_small_to_judge_is_judged_with_those_before_it(clean: Shop) -> None:
    # The money is right, so that only the order's currency tells.
    clean.con.execute("update intermediate.int_orders__conversions set currency = 'EUR' where order_id = 'b'")
    fill_days_before(clean, days=27, orders=37)  # 999 orders, and this day's two
    assert clean.reconcile() == {}
    assert clean.row()["accuracy"] == 0.5
    clean.con.execute("delete from finance.reconciliation_daily where date = '2026-03-01'")
    reason = clean.reconcile()[DAY]
    assert reason == "accuracy below 0.999: 1 of 964 ledger orders since 2026-02-03 are missing or differ"


def test_a_right_day_is_not_withheld_for_wrong_ones_before_it(clean: Shop) -> None:
    fill_days_before(clean, days=5, orders=20, wrong=10)
    assert clean.reconcile() == {}


def test_the_facts_of_orders_stand_by_five_minutes_and_are_replaced_with_their_days(clean: Shop) -> None:
    clean.ledger("d", "2026-03-02 10:03", 500)  # missing, in the same five minutes as `a`
    for _ in range(2):
        clean.reconcile()
        facts = clean.con.execute("select slo, date, counted_at, events, bad from ops.sli order by all").fetchall()
        assert facts == [
            ("accuracy", DAY, datetime(2026, 3, 2, 10), 2, 1),
            ("accuracy", DAY, datetime(2026, 3, 2, 22, 55), 1, 0),
            ("event_match_rate", DAY, datetime(2026, 3, 2, 10), 2, 1),
            ("event_match_rate", DAY, datetime(2026, 3, 2, 22, 55), 1, 1),
        ]


def test_credit_notes_add_to_the_refunds_of_their_order_and_identical_ones_count_once(shop: Shop) -> None:
    shop.ledger("a", "2026-03-02 10:00", 10_000, refunded=500)
    for updated_at in ("2026-03-05", "2026-03-05", "2026-03-06"):
        shop.ledger("a", "2026-03-05 10:00", -3_000, updated_at=updated_at)
    shop.holds("a", 10_000, 6_500, 1_750)
    shop.build()
    assert shop.reconcile() == {}


def test_of_files_of_one_moment_the_last_one_by_its_number_stands(shop: Shop) -> None:
    for order, *names in (("a", "ledger/9.csv", "ledger/10.csv"), ("b", "ledger/a.csv", "ledger/a (1).csv")):
        for name, refunded in zip(reversed(names), (500, 0), strict=True):
            shop.ledger(order, "2026-03-02 10:00", 10_000, refunded=refunded, file=name)
        shop.holds(order, 10_000, 500, 4_750)
    shop.build()
    assert shop.reconcile() == {}


def test_no_more_is_refunded_than_was_paid(shop: Shop) -> None:
    shop.ledger("a", "2026-03-02 10:00", 10_000, refunded=12_000)
    shop.holds("a", 10_000, 10_000, 0)
    shop.build()
    assert shop.reconcile() == {}


def test_sides_that_number_orders_otherwise_are_withheld_where_there_are_orders_enough(shop: Shop) -> None:
    for number in range(19):
        shop.ledger(f"a-{number}", "2026-03-02 10:00", 1_000)
        shop.event(f"b-{number}", "2026-03-02 10:00", revenue_minor=1_000)
        shop.holds(f"a-{number}", 1_000, 0, 500)
        shop.holds(f"b-{number}", 1_000, 0, 500)
    shop.build()
    assert shop.reconcile() == {}
    shop.ledger("both", "2026-03-02 10:00", 1_000)
    shop.event("both", "2026-03-02 10:00", revenue_minor=1_000)
    shop.holds("both", 1_000, 0, 500)
    shop.build()
    assert shop.reconcile()[DAY].startswith(
        "orders_do_not_meet: only 1 of 20 orders of events are in the ledger, and both together would count them twice"
    )


def test_the_commonest_cause_of_differing_amounts_is_named(shop: Shop) -> None:
    for number, amounts in enumerate(
        ({"revenue_minor": 1_190}, {"revenue_minor": 1_190, "tax_minor": 190}, {"revenue_minor": 1_500}, {})
    ):
        shop.ledger(f"a-{number}", "2026-03-02 10:00", 1_000)
        shop.event(f"a-{number}", "2026-03-02 10:00", **({"revenue_minor": 1_000} | amounts))
        shop.holds(f"a-{number}", 1_000, 0, 500)
    shop.build()
    assert shop.reconcile() == {}
    assert shop.row()["amount_mismatches"] == 3
    assert shop.row()["mismatch_cause"] == "gross against net: the event's revenue includes tax"
