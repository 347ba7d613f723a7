"""A person is erased from a built warehouse: nothing of them stays in it, and all that finance reads does."""

from __future__ import annotations

import json

import duckdb
import pytest

from ingestion.books import region_file, transaction
from operations import plan, rebuild, subjects, transform
from operations.lock import exclusive
from operations.publish import publish
from operations.subjects import Subject
from operations.versions import version_ids
from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from settings import Settings
from tests.operations.test_finality import COST, LEDGER, Shop

SHOWN = ("romi_daily", "romi_monthly", "romi_by_touch_date", "romi_by_segment", "orders_daily", "channel_weights",
         "spend_daily")  # fmt: skip


def record(number, at, user=None, device=None, **fields):
    return {
        "messageId": f"m{number}", "type": "page", "timestamp": at, "receivedAt": at,
        **({"userId": user} if user else {}), **({"anonymousId": device} if device else {}),
        "context": {"consent": {"categoryPreferences": {"Analytics": True}}, **fields.pop("context", {})}, **fields,
    }  # fmt: skip


def visit(number, at, source, medium, **who):
    record_ = record(number, at, **who)
    record_["context"]["campaign"] = {"source": source, "medium": medium, "name": f"c-{source}"}
    return record_


def bought(number, at, order_id, revenue, **who):
    properties = {"order_id": order_id, "revenue": revenue, "currency": "EUR"}
    return record(number, at, type="track", event="Order Completed", properties=properties, **who)


class Warehouse(Shop):
    """Two persons with devices and orders, on days that are final and days that are not; and one who only looks."""

    def __init__(self, folder):
        with exclusive(Settings(warehouse=folder / "warehouse")):
            super().__init__(folder)
        self.events(
            visit(10, "2026-02-20T10:00:00Z", "google", "cpc", device="ann-phone"),
            visit(11, "2026-02-21T10:00:00Z", "facebook", "paid_social", device="ann-laptop"),
            record(12, "2026-02-21T10:05:00Z", "ann", "ann-laptop", type="identify"),
            record(13, "2026-02-22T10:00:00Z", "ann", "ann-phone", type="identify"),
            bought(14, "2026-02-22T11:00:00Z", "ann-1", 80, user="ann"),
            bought(15, "2026-02-25T11:00:00Z", "ann-2", 45.5, device="ann-phone"),
            visit(16, "2026-02-22T10:00:00Z", "google", "cpc", user="bob"),
            bought(17, "2026-02-23T10:00:00Z", "bob-1", 20, user="bob"),
            visit(18, "2026-02-24T10:00:00Z", "n", "email", device="eve-phone"),
            visit(19, "2026-01-05T09:00:00Z", "google", "cpc", user="ann"),
            bought(20, "2026-01-06T11:00:00Z", "ann-0", 33, user="ann"), '{"userId": "ann", "messageId": ',
            visit(21, "2026-02-26T10:00:00Z", "n", "email", device="eve-phone"),
        )  # fmt: skip
        self.table(
            "ledger", LEDGER, ["ann-1", "2026-02-22T11:00:00Z", "completed", 80, 0, 40, "EUR", "2026-02-22T12:00:00Z"]
        )
        self.table("spend/google_ads", COST, ["2026-02-20", 1, "c-google", 9, 1, 20, "EUR"])
        with exclusive(self.settings):
            self.build()
            publish(self.settings)

    def events(self, *records):
        lines = [one if isinstance(one, str) else json.dumps(one) for one in records]
        folder = self.landing / "events" / "topics" / "web" / "partition=0"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"web+0+{self._number():010d}.json").write_text("".join(line + "\n" for line in lines))

    def shown(self):
        return {table: self.query(f"from finance.{table} order by all") for table in SHOWN}

    def pseudonyms(self, **identifiers):
        key = region_key(self.settings.warehouse, "eu", "pseudonym")
        kinds = {"user": "user", "device": "anonymous"}
        return [pseudonym(key, kinds[name], one) for name, ones in identifiers.items() for one in ones]

    def found(self, *names):
        """Which of the pseudonyms stand anywhere in a file of the warehouse, as bytes, as text or as a value."""
        files = [path for path in self.settings.warehouse.rglob("*") if path.is_file() and not path.is_symlink()]
        contents = [path.read_bytes() for path in files]
        found = set()
        for name in names:
            as_uuid = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
            raw = bytes.fromhex(name)
            # DuckDB keeps a UUID as an integer of 128 bits with its highest bit turned.
            stored = (int(name, 16) ^ (1 << 127)).to_bytes(16, "little")
            forms = [name.encode(), as_uuid.encode(), raw, raw[::-1], stored]
            found |= {name} if any(form in content for content in contents for form in forms) else set()
        return found | {name for name in names if self.values(name)}

    def values(self, name):
        with duckdb.connect(str(self.settings.region_file("eu")), read_only=True) as con:
            tables = con.execute("""select schema_name, table_name, column_name from duckdb_columns()
                where data_type in ('UUID', 'VARCHAR') and schema_name in ('raw', 'intermediate', 'ops')""").fetchall()
            count = "select count(*) from {}.{} where replace({}::varchar, '-', '') = ?"
            return [table for table in tables if con.execute(count.format(*table), [name]).fetchall() != [(0,)]]

    def rebuild_everything(self):
        with region_file(self.settings, "eu") as con, transaction(con):
            con.execute("delete from ops.meta where key = 'rules'")
        with region_file(self.settings, "eu") as con:
            plan.plan(con, self.settings, "eu")
            windows = plan.windows(con)
        for first, last in windows:
            first, last = rebuild.begin(self.settings, "eu", first, last)
            built = transform.build(self.settings, "eu", first, last)
            assert not built.failed_tests
            rebuild.mark_built(self.settings, "eu", first, last, [])
            assert rebuild.settle(self.settings, "eu", first, last) == {}


ANN = {"user": ["ann"], "device": ["ann-phone", "ann-laptop"]}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
        yield Warehouse(tmp_path_factory.mktemp("shop"))


def test_an_erased_person_is_gone_and_finance_reads_what_it_read(built):
    names = built.pseudonyms(**ANN)
    others = built.pseudonyms(user=["bob"], device=["eve-phone"])
    assert built.found(*names, *others) == {*names, *others}, "the control: they are there to be found"
    before, settings = built.shown(), built.settings

    outcome = subjects.erase(settings, Subject(user_id="ann"), None)

    assert outcome.failures == {}
    assert built.found(*names, *others) == set(others)
    assert built.shown() == before
    assert outcome.requests["eu"].done_at
    assert list(outcome.requests["eu"].steps) == ["tombstones", "removed", "published", "done"]
    assert outcome.requests["eu"].steps["removed"] | {"at": 0} == {
        "at": 0, "events": 8, "orders": 3, "dead_letters": 1}  # fmt: skip
    assert len(version_ids(settings)) == 1
    built.rebuild_everything()
    after = built.shown()
    for table in SHOWN:
        assert after[table] == before[table], table
    assert built.found(*names) == set()
