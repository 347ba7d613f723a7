"""What is past its period goes everywhere, and finance keeps what it has, whatever is rebuilt afterwards."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ingestion.books import put_meta, region_file
from operations.removal.rewrite import table_digests
from operations.retention import retention
from operations.retention.disposal import Disposal
from privacy import storage
from quality.books import book_checks
from settings import PermanentError, Settings
from tests.operations.rebuilding.test_finality import COST, LEDGER, Shop, order, view

OLD = ["o1", "2025-10-05T10:00:00Z", "completed", 100, 0, 40, "EUR", "2025-10-05T11:00:00Z"]


class OldShop(Shop):
    """Two touches and orders in October, all final, and in March what follows on them; the clock is at 20 March."""

    def __init__(self, folder) -> None:
        self.landing, self.files = folder / "landing" / "eu", 0
        self.settings = Settings(
            landing=str(folder / "landing"), warehouse=folder / "warehouse", regions={"eu": {}},
            privacy={"k_anonymity": 1, "encryption_at_rest": False},  # bytes are looked at
        )  # fmt: skip
        seen = {"anonymousId": "device"}
        self.events(
            view("m1", "2025-10-03T10:00:00Z", "google", "cpc", "brand"),
            view("m2", "2025-10-04T10:00:00Z", "n", "email", "w"),
            order("m3", "2025-10-05T10:00:00Z", "o1", 99), order("m4", "2025-10-06T10:00:00Z", "only-events", 10),
            order("m5", "2025-10-06T11:00:00Z", "never-again", 10, person="gone"),
            # Who is seen on a device in February has what it does in March.
            view("d1", "2026-02-10T10:00:00Z", "n", "email", "w", person="q") | seen,
            _anonymous(view("d2", "2026-03-05T10:00:00Z", "google", "cpc", "brand") | seen),
            order("d3", "2026-03-06T10:00:00Z", "o3", 70, person="q"),
            # A session that goes on past the midnight at which raw events end.
            view("s1", "2026-02-18T23:50:00Z", "n", "email", "w", person="r"),
            view("s2", "2026-02-19T00:10:00Z", "n", "email", "w", person="r"),
            order("s3", "2026-03-01T10:00:00Z", "o4", 30, person="r"),
            view("m6", "2026-03-01T10:00:00Z", "n", "email", "w"), order("m7", "2026-03-02T10:00:00Z", "o2", 50),
        )  # fmt: skip
        self.table("ledger", LEDGER, OLD)
        self.table("spend/google_ads", COST, ["2025-10-05", 1, "brand", 9, 1, 20, "EUR"])
        self.build()

    def keeping(self, **periods: int) -> Settings:
        return self.settings.model_copy(
            update={"retention": self.settings.retention.model_copy(update=periods)}, deep=True
        )

    def rebuild_all(self) -> None:
        with region_file(self.settings, "eu") as con:
            put_meta(con, "rules", "changed")
        self.build()

    def finance(self) -> dict[str, list[tuple]]:
        names = self.query("select table_name from duckdb_tables() where schema_name = 'finance' order by 1")
        return {name: sorted(self.query(f"from finance.{name}"), key=repr) for (name,) in names}

    def digests(self):
        with region_file(self.settings, "eu", read_only=True) as con:
            return table_digests(con, storage.ALIAS)

    def count(self, rows: str) -> int:
        return self.query(f"select count(*) from {rows}")[0][0]


def _anonymous(record: dict) -> dict:
    return {key: value for key, value in record.items() if key != "userId"}


def no_logs(_: datetime) -> dict:
    return {}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    return OldShop(tmp_path)


def _classes(done: list[Disposal]) -> dict[str, int]:
    return {one.what: one.count for one in done}


@pytest.mark.slow
def test_finance_stays_when_raw_rows_then_persons_then_orders_go(shop):
    before = shop.finance()
    assert shop.count("finance.romi_daily where date < '2026-01-01' and revenue > 0") > 0
    assert retention.apply(shop.settings, no_logs).disposed == [], "nothing is past the default periods"

    # Raw events: of days that are not final, too, once they are past the period.
    young = shop.keeping(raw_days=30)
    digests = shop.digests()
    foreseen = retention.apply(young, no_logs, dry_run=True)
    assert shop.digests() == digests
    assert "eu: raw events" in retention.find_overdue(young, no_logs)
    [[m1]] = shop.query(
        "select message_id from raw.events where campaign_source = 'google' order by occurred_at limit 1"
    )
    applied = retention.apply(young, no_logs)
    assert _classes(applied.disposed) == _classes(foreseen.disposed) == {"raw events": 6}
    assert applied.rewritten == ["eu"]
    assert retention.find_overdue(young, no_logs) == {}
    assert shop.count("raw.events where occurred_at < '2026-02-18'") == 0
    assert shop.query("select what, rule, records from ops.disposals") == [("raw events", "retention.raw_days: 30", 6)]
    with region_file(shop.settings, "eu", read_only=True) as con:
        assert [check.name for check in book_checks(con) if not check.is_passed] == []
    assert shop.finance() == before
    shop.rebuild_all()
    assert shop.finance() == before

    # Touches, and the persons on orders of months that are over.
    young = shop.keeping(raw_days=30, touch_days=120, customer_days=100)
    applied = retention.apply(young, no_logs)
    assert _classes(applied.disposed) == {"sessions and touches": 4, "persons on orders": 3}
    assert shop.count("intermediate.int_sessions__starts where touched_on < '2025-11-20'") == 0
    assert shop.query("""select count(*), count(person_id), count(distinct buyer_id)
        from intermediate.int_orders__conversions where ordered_on < '2025-11-01'""") == [(3, 0, 2)]
    assert shop.count("ops.past_buyers") == 1, "who never came again is forgotten"
    assert shop.finance() == before
    assert not {m1.bytes, m1.bytes[::-1]} & _windows(shop.settings.region_file("eu").read_bytes(), m1)
    shop.rebuild_all()
    assert shop.finance() == before
    assert retention.find_overdue(young, no_logs) == {}

    # The ledger still changes the money of those days, split by the weights that are stored.
    shop.table("ledger", LEDGER, [*OLD[:2], "partially_refunded", 100, 30, 28, "EUR", "2026-03-10T11:00:00Z"])
    shop.build()
    assert shop.linear("2025-10-05") == [("Email", 50, 15, 14, 0), ("Paid Search", 50, 15, 14, 20)]
    before = shop.finance()

    # The orders themselves, and what was set aside of their time.
    with region_file(shop.settings, "eu") as con:
        con.execute("""insert into ops.quarantine (order_id, reason, set_aside_by, set_aside_at, day) values
            ('old', 'implausible_order', 'romi', '2026-03-01', '2025-10-31'),
            ('young', 'fraud', 'ann', '2026-03-01', null)""")
    young = shop.keeping(raw_days=30, touch_days=120, customer_days=100, ledger_days=100)
    applied = retention.apply(young, no_logs)
    assert _classes(applied.disposed) == {"orders with their credit": 5}
    for table in ("int_orders__conversions", "int_attribution__touch_credits"):
        assert shop.count(f"intermediate.{table} where ordered_on < '2025-11-01'") == 0
    assert shop.count("raw.ledger_orders") == shop.count("ops.settled_orders") == 0
    assert shop.query("select order_id from ops.quarantine") == [("young",)]
    assert shop.finance() == before
    shop.rebuild_all()
    assert shop.finance() == before
    assert retention.find_overdue(young, no_logs) == {}
    assert retention.apply(young, no_logs).disposed == []


def _windows(data: bytes, canary: uuid.UUID) -> set[bytes]:
    """Which spellings of the canary stand in the bytes."""
    flipped = bytes([canary.bytes[0] ^ 0x80]) + canary.bytes[1:]
    return {one for one in (canary.bytes, canary.bytes[::-1], flipped, flipped[::-1]) if one in data}


def test_days_that_wait_for_their_rebuild_keep_their_rows_and_the_check_fails(shop):
    young = shop.keeping(raw_days=30, customer_days=100)
    with region_file(shop.settings, "eu") as con:
        con.execute("insert into ops.pending_days (day, reason) values ('2025-10-06', 'a test')")
    done = retention.apply(young, no_logs)
    assert {one.what: one.count for one in done.disposed} == {"raw events": 2, "persons on orders": 0}
    assert all("romi run" in one.blocked for one in done.disposed)
    assert done.exit_code == 1
    assert set(retention.find_overdue(young, no_logs)) == {"eu: raw events", "eu: persons on orders"}


def test_a_kill_between_the_rows_and_the_new_file_is_made_up_for(shop, monkeypatch):
    young = shop.keeping(raw_days=30)

    def killed(*_):
        raise PermanentError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("operations.removal.rewrite.rewrite_region_file", killed)
        assert retention.apply(young, no_logs).failures == {"eu": "killed"}
    assert retention.find_overdue(young, no_logs) == {"eu: disposed of, but not written anew": 1}
    done = retention.apply(young, no_logs)
    assert (done.disposed, done.rewritten, done.failures) == ([], ["eu"], {})
    assert retention.find_overdue(young, no_logs) == {}


def test_old_logs_are_booked_once_and_taken_away(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    settings, removed = Settings(warehouse=tmp_path / "warehouse", regions={}), []

    def logs(before: datetime) -> dict:
        assert before <= datetime(2026, 3, 20, 12, tzinfo=UTC) - timedelta(days=30)
        return {} if "run-1" in removed else {"run-1": lambda: removed.append("run-1")}

    foreseen = retention.apply(settings, logs, dry_run=True)
    assert (_classes(foreseen.disposed), removed) == ({"logs": 1}, [])
    assert retention.find_overdue(settings, logs) == {"logs": 1}
    assert _classes(retention.apply(settings, logs).disposed) == {"logs": 1}
    assert removed == ["run-1"]
    assert [one["item"] for one in retention.book(settings)] == ["run-1"]
    removed.clear()  # as if killed after the booking
    retention.apply(settings, logs)
    assert [one["item"] for one in retention.book(settings)] == ["run-1"]
