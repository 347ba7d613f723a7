"""Final days: late events change them no more; what the ledger changes is split by the weights that were stored."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from ingestion.books import region_file
from ingestion.load import load_region
from operations.rebuilding import plan, rebuild
from operations.rebuilding.engine import engine_of
from settings import Settings
from tests.kit.prebuilt import copy_of

LEDGER = ["order_id", "ordered_at", "status", "revenue", "refunded", "cogs", "currency", "updated_at"]
COST = ["date", "campaign_id", "campaign_name", "impressions", "clicks", "spend", "currency"]


class Shop:
    """One region whose first days are final: two touches and an order on 5 January, the watermark in March."""

    def __init__(self, folder: Path) -> None:
        self.landing = folder / "landing" / "eu"
        self.files = sum(path.is_file() for path in self.landing.rglob("*"))
        self.settings = Settings(
            landing=str(folder / "landing"),
            warehouse=folder / "warehouse",
            privacy={"k_anonymity": 1, "encryption_at_rest": False},  # bytes are looked at
            regions={"eu": {}},
            fx={"max_age_days": 60},
        )
        if self.files:
            return
        self.events(
            view("m1", "2026-01-03T10:00:00Z", "google", "cpc", "brand"),
            view("m2", "2026-01-04T10:00:00Z", "n", "email", "w"),
            order("m3", "2026-01-05T10:00:00Z", "o1", 99), order("m4", "2026-01-06T10:00:00Z", "only-events", 10),
            view("m5", "2026-03-01T10:00:00Z", "n", "email", "w"), order("m6", "2026-03-02T10:00:00Z", "o2", 50),
        )  # fmt: skip
        self.table(
            "ledger", LEDGER, ["o1", "2026-01-05T10:00:00Z", "completed", 100, 0, 40, "EUR", "2026-01-05T11:00:00Z"]
        )
        self.table("spend/google_ads", COST, ["2026-01-05", 1, "brand", 9, 1, 20, "EUR"])
        self.build()

    def events(self, *records: dict) -> None:
        folder = self.landing / "events" / "topics" / "web" / "partition=0"
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"web+0+{self._number():010d}.json").write_text(lines)

    def table(self, kind: str, header: list[str], row: list) -> None:
        (self.landing / kind).mkdir(parents=True, exist_ok=True)
        with (self.landing / kind / f"{self._number()}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, row])

    def rate(self, dollars: int) -> None:
        """Of a euro, from 2 January on."""
        path = self.landing.parent / "fx" / "eurofxref-hist.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"Date,USD\n2026-01-02,{dollars}\n")

    def _number(self) -> int:
        self.files += 1
        # Archives overlap by offset, which is no hole.
        return self.files

    def load(self) -> list[tuple[date, date]]:
        """Load what landed; returns the windows to rebuild."""
        load_region(self.settings, "eu")
        with region_file(self.settings, "eu") as con:
            plan.plan(con, self.settings, "eu")
            return plan.windows(con)

    def build(self) -> None:
        for first, last in self.load():
            first, last = rebuild.begin(self.settings, "eu", first, last)
            built = engine_of(self.settings).build(self.settings, "eu", first, last)
            assert not built.failed_tests
            rebuild.mark_built(self.settings, "eu", first, last, built)
            assert rebuild.settle(self.settings, "eu", first, last) == {}

    def query(self, sql: str) -> list[tuple]:
        with region_file(self.settings, "eu", read_only=True) as con:
            return con.execute(sql).fetchall()

    def january(self) -> dict[str, list[tuple]]:
        where = "where date < date '2026-02-01' order by all"
        return {
            table: self.query(f"from finance.{table} {where}")
            for table in ("romi_daily", "orders_daily", "spend_daily")
        }

    def linear(self, day: str) -> list[tuple]:
        return self.query(f"""select channel, revenue::int, refunds::int, cogs::int, spend::int from finance.romi_daily
            where attribution_model = 'linear' and date = '{day}' order by all""")  # fmt: skip


def view(message_id: str, at: str, source: str, medium: str, name: str, person: str = "p") -> dict:
    return {"messageId": message_id, "type": "page", "userId": person, "timestamp": at, "context": {
        "consent": {"categoryPreferences": {"Analytics": True}},
        "campaign": {"source": source, "medium": medium, "name": name}}}  # fmt: skip


def order(message_id: str, at: str, order_id: str, revenue: float, person: str = "p") -> dict:
    return {"messageId": message_id, "type": "track", "event": "Order Completed", "userId": person, "timestamp": at,
            "context": {"consent": {"categoryPreferences": {"Analytics": True}}},
            "properties": {"order_id": order_id, "revenue": revenue, "currency": "EUR"}}  # fmt: skip


def _build_shop(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
        patch.setenv("ROMI_KEY_FILE", str(folder / "keys"))
        Shop(folder)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    copy_of(_build_shop, tmp_path)
    return Shop(tmp_path)


def test_late_events_and_restated_cost_change_no_final_day_but_later_orders(shop):
    assert shop.query("select count(*) from ops.days where is_final and build > 0") == [(4,)]
    before = shop.january()
    shop.events(
        view("late", "2026-01-04T12:00:00Z", "t.co", "social", "x"),
        view("late2", "2026-02-20T12:00:00Z", "t.co", "social", "x"),
        order("late3", "2026-01-05T12:00:00Z", "late", 70),
    )  # fmt: skip
    shop.table("spend/google_ads", COST, ["2026-01-05", 1, "brand", 9, 1, 999, "EUR"])
    shop.build()
    assert shop.january() == before
    assert ("Organic Social", 25, 0, 13, 0) in shop.linear("2026-03-02")


def test_nothing_but_the_ledger_changes_a_final_day_that_showed_nothing(shop):
    before = shop.january()
    shop.events(
        view("late", "2026-01-20T12:00:00Z", "t.co", "social", "x"),
        order("late2", "2026-01-20T13:00:00Z", "late", 70), order("late3", "2026-01-21T13:00:00Z", "new", 100),
    )  # fmt: skip
    shop.table("spend/google_ads", COST, ["2026-01-20", 1, "brand", 9, 1, 999, "EUR"])
    shop.rate(2)
    shop.table("ledger", LEDGER, ["new", "2026-01-21T10:00:00Z", "completed", 100, 0, 40, "USD", "2026-03-10T11:00Z"])
    shop.build()
    assert shop.linear("2026-01-21") == [("(unattributed)", 50, 0, 20, 0)]
    for table, rows in shop.january().items():
        assert [row for row in rows if row[0] != date(2026, 1, 21)] == before[table]
    assert shop.query("select is_final, rebuilt_for from ops.days where day = '2026-01-21'") == [(True, "orders")]


def test_a_final_day_keeps_the_rate_it_had(shop):
    shop.rate(2)
    shop.table("ledger", LEDGER, ["usd", "2026-01-21T10:00:00Z", "completed", 100, 0, 40, "USD", "2026-03-10T11:00Z"])
    shop.build()
    shop.rate(4)
    shop.table("ledger", LEDGER, ["later", "2026-01-21T10:00:00Z", "completed", 60, 0, 20, "USD", "2026-03-11T11:00Z"])
    shop.table("ledger", LEDGER, ["open", "2026-02-25T10:00:00Z", "completed", 100, 0, 40, "USD", "2026-03-11T11:00Z"])
    shop.build()
    assert shop.linear("2026-01-21") == [("(unattributed)", 80, 0, 30, 0)]
    assert shop.linear("2026-02-25") == [("(unattributed)", 25, 0, 10, 0)]


def test_a_final_day_gets_a_rate_that_it_lacked(shop):
    shop.table("ledger", LEDGER, ["usd", "2026-01-05T10:00:00Z", "completed", 100, 0, 40, "USD", "2026-03-10T11:00Z"])
    shop.rate(2)
    shop.build()
    assert ("(unattributed)", 50, 0, 20, 0) in shop.linear("2026-01-05")


def test_later_changes_of_the_ledger_are_split_by_the_weights_that_were_stored(shop):
    assert shop.linear("2026-01-05") == [("Email", 50, 0, 20, 0), ("Paid Search", 50, 0, 20, 20)]
    # A touch that would take a third of it, were it not too late; then the refund.
    shop.events(view("late", "2026-01-04T12:00:00Z", "t.co", "social", "x"))
    shop.table("ledger", LEDGER,
               ["o1", "2026-01-05T10:00:00Z", "partially_refunded", 100, 30, 28, "EUR",
                "2026-03-10T11:00:00Z"])  # fmt: skip
    shop.build()
    assert shop.linear("2026-01-05") == [("Email", 50, 15, 14, 0), ("Paid Search", 50, 15, 14, 20)]


def test_the_ledger_takes_an_order_off_a_final_day_and_adds_one_that_nobody_is_credited_for(shop):
    shop.table("ledger", LEDGER, ["o1", "2026-01-05T10:00:00Z", "cancelled", 100, 0, 40, "EUR", "2026-03-10T11:00:00Z"])
    shop.table("ledger", LEDGER, ["new", "2026-01-05T10:00:00Z", "completed", 60, 0, 30, "EUR", "2026-03-10T11:00:00Z"])
    shop.build()
    assert shop.linear("2026-01-05") == [("(unattributed)", 60, 0, 30, 0), ("Paid Search", 0, 0, 0, 20)]
    shop.table("ledger", LEDGER, ["o1", "2026-01-05T10:00:00Z", "completed", 80, 0, 30, "EUR", "2026-03-11T11:00:00Z"])
    shop.build()
    assert shop.linear("2026-01-05") == [
        ("(unattributed)", 60, 0, 30, 0),
        ("Email", 40, 0, 15, 0),
        ("Paid Search", 40, 0, 15, 20),
    ]


def test_an_order_that_the_ledger_moves_to_another_day_takes_its_weights_along(shop):
    shop.table("ledger", LEDGER, ["o1", "2026-02-25T10:00:00Z", "completed", 100, 0, 40, "EUR", "2026-03-10T11:00:00Z"])
    shop.build()
    assert shop.linear("2026-01-05") == [("Paid Search", 0, 0, 0, 20)]
    assert shop.linear("2026-02-25") == [("Email", 50, 0, 20, 0), ("Paid Search", 50, 0, 20, 0)]


def test_learned_weights_of_a_frozen_month_stay(shop, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-04-20T12:00:00Z")
    learned = "select * from intermediate.int_attribution__channel_weights where month < '2026-03-01' order by all"
    # 35 days after February, which showed nothing.
    shop.events(order("far", "2026-04-05T10:00:00Z", "", 0) | {"event": "Signed In", "properties": {}})
    assert shop.load() == []
    before = shop.query(learned)
    shop.events(
        view("late", "2026-01-04T12:00:00Z", "t.co", "social", "x", person="q"),
        view("late2", "2026-02-10T12:00:00Z", "t.co", "social", "x", person="q"),
    )
    shop.build()
    assert before
    assert shop.query(learned) == before


def test_an_order_can_be_followed_through_each_model_to_the_cent(shop):
    followed = shop.query("""
        select touch_number, touched_at, source, medium, channel, campaign, weight, total_weight, revenue
        from finance_audit.order_credit where order_id = 'o1' and attribution_model = 'position_based' order by 1""")
    assert [(number, str(at), *rest[:4], rest[4] / rest[5], float(rest[6])) for number, at, *rest in followed] == [
        (1, "2026-01-03 10:00:00", "google", "cpc", "Paid Search", "brand", 0.5, 50.0),
        (2, "2026-01-04 10:00:00", "n", "email", "Email", "w", 0.5, 50.0),
    ]
    whole = """select order_id, attribution_model from finance_audit.order_credit
        join intermediate.int_orders__conversions as conversions using (order_id) group by all
        having sum(revenue) * 100 != any_value(revenue_cents) or sum(conversions) != 1"""
    assert shop.query(whole) == []
