import subprocess
import sys
from collections import Counter

import duckdb
import polars as pl
import pytest

from ingestion import books, dead_letters
from ingestion.archives import Dead
from ingestion.books import (
    Delivery,
    add_books,
    book,
    meta,
    put_meta,
    records_by_fate,
    region_file,
    transaction,
)
from ingestion.landing import Landed
from privacy import storage
from privacy.keys import Key
from privacy.sealing import unseal
from settings import PermanentError, TransientError, UsageError
from tests.ingestion.conftest import HOLD
from tests.ingestion.strategies import NOW

KEY = Key("eu", "seal", bytes(32))


@pytest.fixture
def con(zone):
    with region_file(zone.settings, "eu") as con:
        yield con


def delivery(zone, **values):
    landed = Landed("events", zone.folder / "web+0+0.json", "events/web+0+0.json", 1, 1, "web")
    return Delivery(landed, "sha", **values)


def test_a_writer_makes_the_file_and_a_reader_does_not(zone):
    with pytest.raises(TransientError, match="cannot be opened"), region_file(zone.settings, "eu", read_only=True):
        pass
    with region_file(zone.settings, "eu") as con:
        put_meta(con, "a", "1")
        put_meta(con, "a", "2")
    with region_file(zone.settings, "eu", read_only=True) as con:
        assert (meta(con, "a"), meta(con, "b")) == ("2", None)


def test_a_file_of_another_format_is_refused(zone):
    with region_file(zone.settings, "eu") as con:
        put_meta(con, "format", "0")
    with pytest.raises(UsageError, match="format 0"), region_file(zone.settings, "eu"):
        pass


def test_a_file_that_is_no_database_is_not_said_to_be_held(zone):
    zone.settings.regions_dir.mkdir(parents=True)
    zone.settings.region_file("eu").write_bytes(b"no database" * 1000)
    with pytest.raises(TransientError, match="cannot be opened"), region_file(zone.settings, "eu"):
        pass


def test_a_file_that_another_process_holds_may_pass(zone, monkeypatch):
    monkeypatch.setattr(storage, "_LOCK_WAITS", ())
    with region_file(zone.settings, "eu"):
        pass
    path = str(zone.settings.region_file("eu"))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(TransientError, match="held by another process"), region_file(zone.settings, "eu"):
        pass
    holder.communicate("\n")
    with region_file(zone.settings, "eu"):
        pass


def test_a_transaction_is_all_or_nothing(con):
    with pytest.raises(duckdb.CatalogException), transaction(con):
        con.execute("insert into ops.meta values ('a', '1'); from ops.nowhere")
    assert meta(con, "a") is None


def test_a_delivery_is_booked_with_every_fate_and_its_dead_letters_sealed(zone, con):
    dead = [Dead(3, "malformed_json", b"jane"), Dead(5, "malformed_json", b""), Dead(6, "invalid_type", b"x", NOW)]
    reasons = Counter(one.reason for one in dead)
    fates = {"loaded": 4, "duplicate": 3, "bot": 0}
    one = delivery(zone, records=10, fates=fates, conflicting=2, reasons=reasons)
    book(con, {7: one}, NOW)
    letters = [dead_letters.sealed(KEY, one.landed, letter) for letter in dead]
    dead_letters.add(con, pl.DataFrame(letters, dead_letters.SEALED, orient="row"), {0: 7}, NOW)
    assert records_by_fate(con) | {} == {
        "read": 10, "loaded": 4, "anonymised": 0, "duplicate": 3, "no_consent": 0, "bot": 0, "suppressed": 0,
        "expired": 0,
        "dead_letter": {"malformed_json": 2, "invalid_type": 1}}  # fmt: skip
    assert con.execute("select fate, conflicting from ops.fates where conflicting > 0").fetchall() == [("duplicate", 2)]
    rows = con.execute("select record_offset, occurred_at, payload from ops.dead_letters order by all").fetchall()
    assert [(offset, moment) for offset, moment, _ in rows] == [(3, None), (5, None), (6, NOW)]
    assert unseal(KEY, rows[0][2], "events/web+0+0.json#3") == b"jane"


def test_fates_that_do_not_add_up_to_the_records_read_are_refused(zone, con):
    with pytest.raises(PermanentError, match="10 records read"), transaction(con):
        book(con, {1: delivery(zone, records=10, fates={"loaded": 9})}, NOW)
    assert con.execute("select count(*) from ops.archives").fetchone() == (0,)


def test_a_corrupt_delivery_is_replaced_by_the_next_of_its_name(zone, con):
    book(con, {1: delivery(zone, problem="cut short")}, NOW)
    assert con.execute("select state, problem from ops.archives").fetchall() == [("corrupt", "cut short")]
    book(con, {2: delivery(zone)}, NOW)
    assert con.execute("select state from ops.archives order by archive_id").fetchall() == [("replaced",), ("loaded",)]


def test_books_of_regions_add_up():
    one = {"read": 3, **dict.fromkeys(books.FATES, 0), "loaded": 2, "dead_letter": {"invalid_type": 1}}
    other = {"read": 2, **dict.fromkeys(books.FATES, 0), "bot": 1, "dead_letter": {"invalid_type": 1}}
    total = add_books([one, other])
    assert (total["read"], total["loaded"], total["bot"], total["dead_letter"]) == (5, 2, 1, {"invalid_type": 2})
    assert add_books([])["read"] == 0


def test_moments_are_read_in_utc(con):
    assert con.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
