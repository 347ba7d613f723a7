"""What is set aside stays in the books, is named to the planner, and comes back when somebody releases it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ingestion.books import region_file, transaction
from operations import quarantine
from operations.backups import backup
from operations.backups.restore import restore
from operations.quarantine import Place
from operations.rebuilding import plan
from operations.rebuilding.set_aside import set_implausible_aside
from operations.rights import subjects
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from orchestration.cli.main import main
from quality.books import unbalanced_archives
from quality.plausible import implausible_orders
from settings import UsageError
from tests.ingestion import conftest
from tests.ingestion.strategies import order, page
from tests.ingestion.test_load_tables import LEDGER_HEAD, ledger_row
from tests.kit.prebuilt import copy_of

clock, zone = conftest.clock, conftest.zone
ARCHIVE = "events/topics/web/partition=0/web+0+0000000000.json"


def bought(order_id, revenue, day="2026-03-01", currency="EUR", **more):
    properties = {"order_id": order_id, "revenue": revenue, "currency": currency}
    return order(
        messageId=f"m-{order_id}", timestamp=f"{day}T10:00:00Z", receivedAt=None, properties=properties, **more
    )


def _load(folder):
    zone = conftest.Zone(folder)
    rows = [ledger_row(f"o-{n}", ordered_at=f"2026-03-{n // 3 + 1:02}T10:00:00Z") for n in range(30)]
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, *rows]))
    zone.archive(page(), bought("small", "31.50", "2026-03-08"), bought("large", "31.51", "2026-03-08"),
                 bought("o-1", 10**12), bought("elsewhere", "40", "2026-02-20"),
                 bought("beyond", "10000000000.01", "2026-02-20"))  # fmt: skip
    with exclusive(zone.settings):
        zone.load()
        with region_file(zone.settings, "eu") as con:
            plan.plan(con, zone.settings, "eu")


@pytest.fixture
def shop(zone):
    """Ten days with three orders of 10.50 each in the ledger, and what only events know of the eighth."""
    copy_of(_load, zone.folder)
    return zone


def romi(shop, *arguments):
    done = CliRunner().invoke(main, [*arguments, "--json", "--warehouse", str(shop.warehouse)])
    return done.exit_code, json.loads(done.stdout)


def set_aside(shop):
    return sorted(str(one["order_id"] or one["record_offset"]) for one in quarantine.listed(shop.settings, None))


def test_what_outweighs_the_ledgers_usual_day_is_set_aside_by_itself(shop):
    assert set_aside(shop) == ["beyond", "large"]
    found = {one["order_id"]: one for one in quarantine.listed(shop.settings, "eu")}
    assert (found["large"]["worth_cents"], found["large"]["usual_cents"], found["large"]["set_aside_by"]) == (
        3151, 3150, "romi")  # fmt: skip
    assert found["beyond"]["usual_cents"] is None


def test_an_order_that_the_ledger_comes_to_know_is_taken_back(shop):
    shop.put("eu/ledger/b.csv", f"{LEDGER_HEAD}\n{ledger_row('large', '31.51')}")
    shop.load()
    with region_file(shop.settings, "eu") as con, transaction(con):
        set_implausible_aside(con, shop.settings, "eu")
        assert ("order", None, "large") in con.execute("from ops.changes").fetchall()
    assert set_aside(shop) == ["beyond"]


def test_few_orders_do_not_tell_what_is_usual(zone):
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row(), ledger_row("o-2")]))
    zone.archive(bought("tenfold", 210), bought("more", "210.01"))
    zone.load()
    with region_file(zone.settings, "eu") as con:
        assert [one.order_id for one in implausible_orders(con, zone.settings, "eu")] == ["more"]


def test_an_order_is_set_aside_and_released_and_the_books_say_by_whom(shop):
    code, told = romi(shop, "quarantine", "add", "--order", "small", "--reason", "fraud", "--by", "ann")
    assert (code, told["region"]) == (0, "eu")
    assert set_aside(shop) == ["beyond", "large", "small"]
    assert romi(shop, "quarantine", "add", "--order", "small", "--reason", "again")[0] == 2
    assert romi(shop, "quarantine", "release", "--order", "small", "--reason", "checked", "--by", "bob")[0] == 0
    assert romi(shop, "quarantine", "release", "--order", "large", "--reason", "true", "--by", "bob")[0] == 0
    assert set_aside(shop) == ["beyond"]
    _, listed = romi(shop, "quarantine", "list", "--all")
    small = next(one for one in listed["set_aside"] if one["order_id"] == "small")
    assert [small[name] for name in ("reason", "set_aside_by", "released_by", "released_for")] == [
        "fraud", "ann", "bob", "checked"]  # fmt: skip
    with region_file(shop.settings, "eu") as con, transaction(con):  # released by hand stays released
        set_implausible_aside(con, shop.settings, "eu")
    assert set_aside(shop) == ["beyond"]


def test_a_record_is_set_aside_by_its_place_and_keeps_its_fate(shop):
    before = shop.fates()
    assert romi(shop, "quarantine", "add", "--archive", ARCHIVE, "--offset", "0", "--reason", "test traffic")[0] == 0
    assert "0" in set_aside(shop)
    assert shop.fates() == before
    shop.archive(page(), start=50)  # delivered again under another name
    shop.load()
    assert shop.fates()["duplicate"] == 1
    with region_file(shop.settings, "eu") as con:
        assert unbalanced_archives(con) == 0
        assert con.execute("""
            select count(*) from raw.events join ops.quarantine using (archive_id, record_offset)
            where released_at is null""").fetchall() == [(1,)]  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        ["--order", "nobody's"], ["--archive", ARCHIVE, "--offset", "99"],
        ["--archive", "ledger/a.csv", "--offset", "2"],
        ["--order", "small", "--archive", ARCHIVE, "--offset", "1"], ["--archive", ARCHIVE], [],
        ["--order", "small", "--region", "us"],
    ],
)  # fmt: skip
def test_what_is_not_there_cannot_be_set_aside(shop, options):
    code, told = romi(shop, "quarantine", "add", "--reason", "x", *options)
    assert (code, list(told)) == (2, ["error", "exit_code"])


def test_the_region_has_to_be_named_where_there_are_several(shop):
    other = conftest.Zone(shop.folder, "us")
    other.archive(page())
    other.load()
    with pytest.raises(UsageError, match="one of eu, us"):
        quarantine.add(shop.settings, None, Place("small"), "x", "ann", lambda *_: None)


def test_what_is_set_aside_stays_so_through_an_erasure_and_its_books_balance(shop):
    """The order is kept without the person; of a view nothing is left to set aside."""
    for place in (Place(order_id="small"), Place(archive=ARCHIVE, record_offset=0)):
        quarantine.add(shop.settings, "eu", place, "test traffic", "ann", lambda *_: None)
    person = page()["userId"]
    outcome = subjects.erase(shop.settings, Subject(user_id=person), None)
    assert outcome.exit_code == 0
    assert set_aside(shop) == ["0", "beyond", "large", "small"]
    with region_file(shop.settings, "eu") as con:
        assert unbalanced_archives(con) == 0
        held = "select is_anonymised, user_id, anonymous_id from raw.events where order_id = 'small'"
        assert con.execute(held).fetchall() == [(True, None, None)]
        accepted = "select count(*) from raw.events semi join ops.quarantine using (archive_id, record_offset)"
        assert con.execute(accepted).fetchall() == [(0,)]
    for place in (Place(order_id="small"), Place(archive=ARCHIVE, record_offset=0)):
        quarantine.release(shop.settings, "eu", place, "checked", "bob", lambda *_: None)
    assert set_aside(shop) == ["beyond", "large"]


def test_what_is_set_aside_is_so_in_a_restored_backup(shop, tmp_path):
    quarantine.add(shop.settings, "eu", Place(order_id="small"), "fraud", "ann", lambda *_: None)
    made = backup.back_up(shop.settings, tmp_path / "backups")
    quarantine.release(shop.settings, "eu", Place(order_id="small"), "checked", "bob", lambda *_: None)
    restore(shop.settings, made.folder, force=True)
    assert set_aside(shop) == ["beyond", "large", "small"]
