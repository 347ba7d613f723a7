"""What never landed or cannot be read is told with what it may be worth, at the region's average."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingestion.books import region_file
from operations.incidents import unused
from operations.recovery import backlog
from tests.ingestion import conftest
from tests.operations.store.memory.shop import JUNE, Shop

clock = conftest.clock


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Shop:
    monkeypatch.setenv("ROMI_NOW", JUNE)
    return Shop.ran(tmp_path, at=JUNE)


def figures(shop: Shop) -> dict:
    with region_file(shop.settings, "eu", read_only=True) as con:
        return backlog.of_open_file(con, shop.settings, "eu")


def test_records_that_never_landed_are_worth_what_others_were(shop):
    assert unused.lines(figures(shop)) == []
    shop.land(2)
    shop.ingest()
    [line] = unused.lines(figures(shop))
    # 3 orders worth 300 came with 6 records, and 97 are missing between offsets 103 and 200.
    assert line.startswith("known loss: 97 records of web, partition 0, never landed")
    assert "(at the region's average 97 records, 48 orders and 4,850.00 of revenue)" in line


def test_a_corrupt_archive_is_worth_its_bytes(shop):
    shop.archive(start=103, suffix="json.gz").write_bytes(b"\x1f\x8b" + b"x" * 400)
    shop.ingest()
    found = figures(shop)
    [line] = unused.lines(found)
    assert line.startswith("1 file is corrupt and not read, 402 bytes (at the region's average ")
    assert found["corrupt"][0]["bytes"] == 402
    assert Decimal(found["average"]["orders"]) == 1


def test_files_that_are_gone_are_counted_with_the_records_that_stay(shop):
    shop.prune(1)
    assert list(unused.vanished_lines(figures(shop))) == [
        "1 file that was loaded is gone from the landing zone; the 3 records in it stay"
    ]
