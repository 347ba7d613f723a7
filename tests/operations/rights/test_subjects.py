"""A person is erased from a built warehouse: nothing of them stays in it, and all that finance reads does."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from datetime import date, datetime

import pytest

from ingestion.books import region_file, transaction
from operations.publishing.publish import publish
from operations.publishing.region_marts import RegionLateError, read_region
from operations.rebuilding import plan, rebuild
from operations.rebuilding.engine import Built, engine_of
from operations.removal import erasure
from operations.rights import requests, subjects
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from operations.store.versions import version_ids
from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from quality.books import book_checks
from settings import UsageError
from tests.operations.rebuilding.test_finality import COST, LEDGER, Shop

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
        self.is_open = False
        super().__init__(folder)
        self.is_open = True
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
        assert self.query("select is_final from ops.days where day = '2026-01-06'") == [(True,)]

    def build(self):
        if self.is_open:
            super().build()

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
        with region_file(self.settings, "eu", read_only=True) as con:
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
            built = engine_of(self.settings).build(self.settings, "eu", first, last)
            assert not built.failed_tests
            rebuild.mark_built(self.settings, "eu", first, last, Built())
            assert rebuild.settle(self.settings, "eu", first, last) == {}


ANN = {"user": ["ann"], "device": ["ann-phone", "ann-laptop"]}


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
        patch.delenv("ROMI_KEY_FILE", raising=False)
        yield Warehouse(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def copied(built_once, tmp_path, monkeypatch):
    """A warehouse as it was built, in a folder of its own."""
    monkeypatch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
    shutil.copytree(built_once.settings.warehouse.parent, tmp_path, dirs_exist_ok=True, symlinks=True)
    one = copy.copy(built_once)
    one.landing = tmp_path / "landing" / "eu"
    one.settings = one.settings.model_copy(
        update={"warehouse": tmp_path / "warehouse", "landing": str(tmp_path / "landing")}
    )
    return one


def test_an_erased_person_is_gone_and_finance_reads_what_it_read(copied):
    built = copied
    names = built.pseudonyms(**ANN)
    others = built.pseudonyms(user=["bob"], device=["eve-phone"])
    assert built.found(*names, *others) == {*names, *others}, "the control: they are there to be found"
    before, settings = built.shown(), built.settings

    outcome = subjects.erase(settings, Subject(user_id="ann"), None)

    assert outcome.failures == {}
    assert built.found(*names, *others) == set(others)
    assert built.shown() == before
    assert outcome.requests["eu"].done_at
    assert list(outcome.requests["eu"].steps) == ["tombstones", "found", "removed", "published", "done"]
    assert outcome.requests["eu"].steps["removed"] | {"at": 0} == {
        "at": 0, "events": 8, "orders": 3, "dead_letters": 1}  # fmt: skip
    assert len(version_ids(settings)) == 1
    with region_file(settings, "eu", read_only=True) as con:
        assert book_checks(con)[0].is_passed, "what was removed is accounted for"
    built.rebuild_everything()
    after = built.shown()
    for table in SHOWN:
        assert after[table] == before[table], table
    assert built.found(*names) == set()


class DeadError(BaseException):
    """The process died: nothing catches it."""


def dying(monkeypatch, place, *, after=False):
    module, _, name = place.rpartition(".")
    real = getattr(sys.modules[module], name)

    def die(*arguments, **keywords):
        if after:
            real(*arguments, **keywords)
        raise DeadError

    monkeypatch.setattr(sys.modules[module], name, die)


STEPS = [
    "rights.tombstones.tombstones_of", "removal.erasure.anonymise_orders", "removal.erasure._delete_person_rows",
    "removal.erasure.rewrite_region_file", "removal.rewrite.replace_durably", "rights.subjects.publish",
    "rights.erasures.dispose_other_versions", "rights.erasures.remove", "rights.erasures.suppress",
]  # fmt: skip


# What died after a step died before the next one: both are tried of each in `make test-all`.
@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["before", "after"])
@pytest.mark.parametrize("place", STEPS)
def test_an_erasure_that_dies_at_any_step_and_is_asked_for_again_ends_the_same(copied, monkeypatch, place, after):
    settings, before, names = copied.settings, copied.shown(), copied.pseudonyms(**ANN)
    with monkeypatch.context() as patch:
        dying(patch, f"operations.{place}", after=after)
        with pytest.raises(DeadError):
            subjects.erase(settings, Subject(user_id="ann"), None)
    outcome = subjects.erase(settings, Subject(user_id="ann"), None)
    assert outcome.exit_code == 0
    (request,) = subjects.requests(settings, None)
    assert request.id == outcome.requests["eu"].id, "it is one request, not two"
    assert request.done_at
    assert copied.found(*names) == set()
    assert copied.shown() == before
    assert len(version_ids(settings)) == 1
    stones = (settings.warehouse / "books" / "eu" / "suppression.jsonl").read_text()
    assert len(stones.splitlines()) == len(names)
    removed = outcome.requests["eu"].steps["removed"]
    assert {name: removed[name] for name in ("events", "orders", "dead_letters")} == {
        "events": 8, "orders": 3, "dead_letters": 1}  # fmt: skip
    assert [path.name for path in settings.regions_dir.iterdir()] == ["eu.duckdb"]


def test_a_killed_erasure_is_made_good_by_the_next_run_and_nothing_is_published_before(copied, monkeypatch):
    settings, names = copied.settings, copied.pseudonyms(**ANN)
    with monkeypatch.context() as patch:
        dying(patch, "operations.rights.erasures.remove")
        with pytest.raises(DeadError):
            subjects.erase(settings, Subject(user_id="ann"), None)
    with pytest.raises(RegionLateError, match="persons who were erased"):
        read_region(settings, "eu", with_rows=True)
    erasure.enforce(settings, "eu", with_letters=False)
    assert copied.found(*names) == set()
    assert read_region(settings, "eu", with_rows=True).rows


def test_a_restored_file_of_before_the_erasure_brings_nobody_back(copied):
    settings, names = copied.settings, copied.pseudonyms(**ANN)
    backup = settings.warehouse.parent / "backup.duckdb"
    shutil.copyfile(settings.region_file("eu"), backup)
    subjects.erase(settings, Subject(anonymous_id="ann-phone"), "eu")
    shutil.copyfile(backup, settings.region_file("eu"))
    backup.unlink()
    assert copied.found(*names) == set(names), "the control: the backup has them"
    assert erasure.enforce(settings, "eu").orders == 3
    assert copied.found(*names) == set()
    assert erasure.enforce(settings, "eu") == erasure.Erased()


def test_an_export_holds_everything_and_only_of_that_person(copied):
    outcome = subjects.look(copied.settings, Subject(user_id="ann"), "export", None)
    held = outcome.found["eu"]
    assert {table: len(rows) for table, rows in held.items() if table.startswith(("raw", "ops"))} == {
        "raw.events": 8, "raw.ledger_orders": 1, "ops.dead_letters": 1}  # fmt: skip
    assert {row["order_id"] for row in held["intermediate.int_attribution__touch_credits"]} == {
        "ann-0",
        "ann-1",
        "ann-2",
    }
    assert {row["order_id"] for row in held["intermediate.int_orders__conversions"]} == {"ann-0", "ann-1", "ann-2"}
    assert len(held["intermediate.int_identity__device_users"]) == 2
    assert len(held["intermediate.int_sessions__touchpoints"]) == 3
    assert held["ops.dead_letters"][0]["payload"].startswith('{"userId": "ann"')
    subjects.erase(copied.settings, Subject(user_id="ann"), None)
    assert subjects.look(copied.settings, Subject(user_id="ann"), "access", None).found["eu"] == {}


def test_by_email_the_landing_zone_says_who_it_is(copied):
    copied.events(
        record(40, "2026-03-02T10:00:00Z", "ann", type="identify", context={"traits": {"email": "Ann@Shop.example"}})
    )
    held = subjects.look(copied.settings, Subject(email="ann@shop.EXAMPLE"), "access", None).found["eu"]
    assert len(held["raw.events"]) == 8
    assert subjects.look(copied.settings, Subject(email="no@shop.example"), "access", None).found["eu"] == {}


@pytest.mark.slow
def test_a_shared_device_stays_with_its_other_user(copied):
    """Bob used Ann's laptop after her: what is hers goes, what is his stays, and she is not let in by way of it."""
    copied.events(
        record(50, "2026-03-01T10:00:00Z", device="ann-laptop"),
        record(51, "2026-03-02T10:00:00Z", "bob", "ann-laptop", type="identify"),
        record(52, "2026-03-02T11:00:00Z", device="ann-laptop"),
    )
    copied.build()
    subjects.erase(copied.settings, Subject(user_id="ann"), None)
    laptop = copied.pseudonyms(device=["ann-laptop"])[0]
    kept = copied.query(
        f"select occurred_at::date from raw.events where anonymous_id = '{laptop}' order by occurred_at"
    )
    assert kept == [(date(2026, 3, 2),)] * 2
    copied.events(record(53, "2026-03-01T12:00:00Z", device="ann-laptop"))
    copied.events(record(54, "2026-03-03T12:00:00Z", device="ann-laptop"))
    copied.build()
    kept = copied.query(
        f"select occurred_at::date from raw.events where anonymous_id = '{laptop}' order by occurred_at"
    )
    assert kept == [(date(2026, 3, 2),)] * 2 + [(date(2026, 3, 3),)]


def test_a_device_is_put_right_and_its_orders_follow(copied):
    """The laptop was Bob's all along: what it did without a user id was his, and goes when he is erased."""
    laptop, bob, ann = copied.pseudonyms(device=["ann-laptop"], user=["bob", "ann"])
    copied.events(bought(60, "2026-03-01T10:00:00Z", "lap-1", 70, device="ann-laptop"))
    copied.build()
    orders = "intermediate.int_orders__conversions where order_id = 'lap-1'"
    buyer = f"select replace(person_id::varchar, '-', '') from {orders}"
    assert copied.query(buyer) == [(ann,)]
    outcome = subjects.rectify(copied.settings, Subject(user_id="bob", anonymous_id="ann-laptop"), None)
    assert outcome.requests["eu"].steps["done"]["events"] > 4
    copied.build()
    assert copied.query(buyer) == [(bob,)]
    subjects.erase(copied.settings, Subject(user_id="ann"), None)
    assert copied.query(buyer) == [(bob,)], "the laptop is not Ann's any more"
    subjects.erase(copied.settings, Subject(user_id="bob"), None)
    assert copied.query(buyer) == [(None,)]
    assert copied.found(laptop, bob, ann) == set()
    with pytest.raises(UsageError, match="which device is whose"):
        subjects.rectify(copied.settings, Subject(user_id="bob"), None)


@pytest.mark.parametrize(
    ("clock", "received", "due"),
    [("gdpr", "2026-01-31", "2026-02-28"), ("gdpr", "2026-12-15", "2027-01-15"), ("gdpr", "2026-11-30", "2026-12-30"),
     ("ccpa", "2026-01-31", "2026-03-17")],
)  # fmt: skip
def test_the_law_sets_the_clock(clock, received, due):
    assert requests.due(clock, datetime.fromisoformat(received)) == datetime.fromisoformat(due)
