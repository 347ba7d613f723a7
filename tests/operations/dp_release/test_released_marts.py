"""What of a region's draws is published."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb

from operations.dp_release.released_marts import CHANNEL_MONTHLY, dictionary, released_state
from operations.dp_release.releases import budget_book
from privacy.release import CHANNELS, TOTAL
from settings import Settings
from tests.operations.dp_release.shop import APRIL, MARCH, Shop, published, release, settings_of


def test_channels_add_up_to_the_total_and_every_channel_is_there(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "w", epsilon_per_month=Decimal(1))
    Shop(settings).watermark("2026-05-20")
    Shop(settings, "us").watermark("2026-04-09")
    for region in ("eu", "us"):
        release(settings, region)
    rows = published(settings, tmp_path / "version")
    months = {(month, region) for month, region, _ in rows}
    assert months == {(MARCH, "eu"), (APRIL, "eu"), (MARCH, "us")}
    for month, region in months:
        cells = {channel: rows[month, region, channel] for channel in (TOTAL, *CHANNELS)}
        for figure in (0, 2):
            assert sum(cells[channel][figure] for channel in CHANNELS) == cells[TOTAL][figure]
        assert all(cell[1] > 0 and cell[3] > 0 for cell in cells.values())


def test_file_before_any_release_is_there_and_empty(settings: Settings, tmp_path: Path) -> None:
    assert published(settings, tmp_path / "version") == {}
    assert not (settings.warehouse / "books").exists()


def test_file_says_what_its_columns_mean_and_is_written_as_parquet_too(
    settings: Settings, shop: Shop, tmp_path: Path
) -> None:
    shop.watermark("2026-04-09")
    release(settings)
    published(settings, tmp_path / "version")
    with duckdb.connect(str(tmp_path / "version" / "released.duckdb"), read_only=True) as con:
        schemas = con.execute("select distinct schema_name from duckdb_tables() order by all").fetchall()
        undocumented = """select schema_name, table_name, column_name from duckdb_columns()
            where database_name = 'released' and not internal
            except select schema_name, table_name, column_name from meta.columns where meaning != '' and unit != ''"""
        assert con.execute(undocumented).fetchall() == []
        assert con.execute("select region, first_month, last_month from meta.versions").fetchall() == [
            ("eu", MARCH, MARCH)
        ]
        parquet = tmp_path / "version" / "parquet" / "released" / "channel_monthly.parquet"
        missing = f"from released.{CHANNEL_MONTHLY} except all from read_parquet('{parquet}')"
        assert con.execute(missing).fetchall() == []
    assert schemas == [("meta",), ("released",)]
    assert all(all(row) for row in dictionary())


def test_region_whose_book_cannot_be_read_keeps_its_rows_and_holds_back_no_other(
    settings: Settings, shop: Shop, tmp_path: Path
) -> None:
    shop.watermark("2026-04-09")
    Shop(settings, "us").watermark("2026-04-09")
    release(settings)
    before, state = published(settings, settings.published), released_state(settings)
    with budget_book(settings, "eu").path.open("a") as file:
        file.write("torn")
    assert released_state(settings) == state
    release(settings, "us")
    after = published(settings, tmp_path / "next")
    assert {cell: row for cell, row in after.items() if cell[1] == "eu"} == before
    assert {region for _, region, _ in after} == {"eu", "us"}


def test_new_draw_is_news_for_publishing(settings: Settings, shop: Shop) -> None:
    before = released_state(settings)
    shop.watermark("2026-04-09")
    release(settings)
    assert released_state(settings) != before
