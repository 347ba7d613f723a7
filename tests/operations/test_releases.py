"""Which months a region releases, from what, how often, and what is published of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.books import region_file
from operations.finality import finalise
from operations.released_marts import CHANNEL_MONTHLY, dictionary, released_state, write_released
from operations.releases import budget_book, due, in_force, release_due
from privacy.release import CHANNELS, TOTAL
from settings import PermanentError, Privacy, Region, Settings

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


class Shop:
    """A region's file as ingestion, dbt and the gate leave it, in the few columns that a release reads."""

    def __init__(self, settings: Settings, region: str = "eu") -> None:
        self.settings, self.region, self.orders = settings, region, 0
        self.run("""
            create schema intermediate;
            create table intermediate.int_attribution__touch_credits (
                order_id varchar, ordered_on date, channel varchar,
                revenue_cents struct(linear bigint, last_touch bigint),
                refund_cents struct(linear bigint, last_touch bigint),
                conversion_millionths struct(linear bigint, last_touch bigint));
            create table intermediate.int_orders__conversions (order_id varchar, ordered_on date, person_id uuid);
            insert into ops.archives select 1, 'events', 'a', 'web', 0, 0, 1, 1, '', 'loaded', null, 1, 1,
                '2026-03-05', '2026-03-05';
            insert into raw.spend values ('a', 1, 'google_ads', '2026-03-01', 'c', null, null, 1, 1, 100, 'EUR')""")
        self.build(MARCH)

    def run(self, statement: str, parameters: list | None = None) -> None:
        with region_file(self.settings, self.region) as con:
            con.execute(statement, parameters)

    def build(self, day: date, withheld: str | None = None) -> None:
        self.run("insert or replace into ops.days values (?, 1, ?, 'test', false)", [day, withheld])

    def watermark(self, moment: str) -> Shop:
        self.run("""insert into raw.events (message_id, message_order, archive_id, record_offset, type, occurred_at,
            received_at, is_anonymised) select uuid(), uuid(), 2, 1, 'page', $1::timestamp, $1::timestamp, false""",
            [moment])  # fmt: skip
        with region_file(self.settings, self.region) as con:
            finalise(con, self.settings, self.region)
        return self

    def order(self, day: date, person: int | None, cents: int, refund: int = 0, channel: str = "Email") -> None:
        self.orders += 1
        person_id = None if person is None else f"00000000-0000-0000-0000-{person:012}"
        self.run("insert into intermediate.int_orders__conversions values (?, ?, ?)", [self.orders, day, person_id])
        for model, kept in (("linear", channel), ("last_touch", "Direct")):
            amounts = [{"linear": 0, "last_touch": 0, model: amount} for amount in (cents, refund, 1_000_000)]
            self.run("insert into intermediate.int_attribution__touch_credits values (?, ?, ?, ?, ?, ?)",
                     [self.orders, day, kept, *amounts])  # fmt: skip


def settings_of(folder: Path, **privacy: object) -> Settings:
    # So little noise that a cent can be told.
    rules = {"epsilon_per_month": Decimal(10**9), "epsilon_reserve_per_month": Decimal(10**9), **privacy}
    return Settings(warehouse=folder, regions={"eu": Region(), "us": Region()}, privacy=Privacy(**rules))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "warehouse")


@pytest.fixture
def shop(settings: Settings) -> Shop:
    return Shop(settings)


def release(settings: Settings, region: str = "eu") -> list[tuple[date, str]]:
    return release_due(settings, region, clock=lambda: NOW).drawn


def due_months(settings: Settings) -> list[date]:
    found = due(settings, "eu")
    assert {one.release for one in found} <= {"first"}
    return [one.month for one in found]


def published(settings: Settings, folder: Path) -> dict[tuple[date, str, str], tuple]:
    """The rows of `released.channel_monthly`, as a version would have them."""
    folder.mkdir()
    write_released(folder, settings, 1, NOW.replace(tzinfo=None))
    with duckdb.connect(str(folder / "released.duckdb"), read_only=True) as con:
        found = con.execute("from released.released.channel_monthly").fetchall()
    return {row[:3]: row[3:] for row in found}


# When


def test_month_is_due_once_its_input_is_three_days_past_it(settings: Settings, shop: Shop) -> None:
    assert due(settings, "eu") == []
    shop.watermark("2026-04-03 23:59")
    assert due(settings, "eu") == []
    shop.watermark("2026-04-04 00:00")
    assert due_months(settings) == [MARCH]


def test_days_are_those_of_the_regions_calendar(tmp_path: Path) -> None:
    east = Settings(warehouse=tmp_path / "w", regions={"eu": Region(timezone="Pacific/Auckland")})
    Shop(east).watermark("2026-04-03 12:00")
    assert due_months(east) == [MARCH]


@pytest.mark.parametrize(
    "hindrance",
    [
        "insert into ops.days values ('2026-03-31', 1, 'no rate', 'test', false)",
        "insert into ops.pending_days (day, reason) values ('2026-03-31', 'late')",
        "insert into ops.changes values ('order', null, 'o-1')",
    ],
)
def test_month_waits_while_something_of_it_is_withheld_pending_or_not_planned(
    settings: Settings, shop: Shop, hindrance: str
) -> None:
    shop.watermark("2026-04-09")
    shop.run(hindrance)
    assert release(settings) == []
    shop.run("delete from ops.pending_days; delete from ops.changes; update ops.days set withheld_reason = null")
    assert release(settings) == [(MARCH, "first")]


def test_withheld_day_of_another_month_holds_nothing_up(settings: Settings, shop: Shop) -> None:
    shop.build(APRIL, "no rate")
    shop.watermark("2026-05-09")
    assert release(settings) == [(MARCH, "first")]


def test_empty_months_are_released_too(settings: Settings, shop: Shop) -> None:
    shop.watermark("2026-05-09")
    assert release(settings) == [(MARCH, "first"), (APRIL, "first")]


def test_first_month_hangs_on_cost_and_loads_and_not_on_persons(settings: Settings, shop: Shop) -> None:
    shop.watermark("2025-12-01").watermark("2026-04-09")
    shop.order(date(2025, 12, 1), 1, 100)
    shop.build(date(2025, 12, 1))
    assert due_months(settings) == [MARCH]
    shop.run("insert into raw.spend select * replace ('2026-02-28' as spend_on) from raw.spend")
    assert due_months(settings) == [date(2026, 2, 1), MARCH]
    shop.run("insert into raw.spend select * replace ('2019-01-01' as spend_on) from raw.spend")
    assert due_months(settings)[0] == date(2025, 2, 1)  # raw_days before the first load
    shop.run("delete from raw.spend")
    assert due_months(settings) == [MARCH]


def test_region_alone_is_drawn_and_has_a_book_of_its_own(settings: Settings, shop: Shop) -> None:
    other = Shop(settings, "us")
    for one in (shop, other):
        one.watermark("2026-04-09")
    release(settings)
    assert budget_book(settings, "us").draws() == {}
    release(settings, "us")
    assert budget_book(settings, "eu").draws() != budget_book(settings, "us").draws()
    assert budget_book(settings, "eu").spent(MARCH) == budget_book(settings, "us").spent(MARCH) == 10**9


# From what


def test_month_counts_persons_and_leaves_out_orders_without_one(settings: Settings, shop: Shop, tmp_path: Path) -> None:
    shop.order(date(2026, 3, 1), 1, 10_000)
    shop.order(date(2026, 3, 31), 2, 20_000, refund=5_000, channel="Own Channel")
    shop.order(date(2026, 3, 9), None, 70_000)
    shop.order(APRIL, 1, 90_000)
    shop.watermark("2026-04-09")
    release(settings)
    rows = published(settings, tmp_path / "version")
    assert len(rows) == len(CHANNELS) + 1
    money = {channel: round(row[2]) for (_, _, channel), row in rows.items() if round(row[2])}
    orders = {channel: round(row[0]) for (_, _, channel), row in rows.items() if round(row[0])}
    assert money == {TOTAL: 250, "Email": 100, "(other)": 150}
    assert orders == {TOTAL: 2, "Email": 1, "(other)": 1}
    assert all(row[-1].startswith("Orders without a person are left out.") for row in rows.values())


def test_persons_month_is_bounded_over_channels_and_days(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "w", contribution_cap=Decimal(100), conversion_cap=2)
    shop = Shop(settings)
    for day in (1, 2, 3):
        shop.order(date(2026, 3, day), 1, 100_000)
    shop.order(date(2026, 3, 4), 1, 0, refund=100_000, channel="Direct")
    shop.watermark("2026-04-09")
    release(settings)
    rows = published(settings, tmp_path / "version")
    assert [round(rows[MARCH, "eu", channel][2]) for channel in ("Email", "Direct", TOTAL)] == [75, -25, 50]
    assert [round(rows[MARCH, "eu", channel][0] * 2) for channel in ("Email", "Direct", TOTAL)] == [3, 1, 4]


def test_model_of_the_configuration_gives_the_channels(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "w", release_model="last_touch")
    shop = Shop(settings)
    shop.order(MARCH, 1, 10_000)
    shop.watermark("2026-04-09")
    release(settings)
    rows = published(settings, tmp_path / "version")
    assert round(rows[MARCH, "eu", "Direct"][2]) == 100
    assert "last_touch" in rows[MARCH, "eu", "Direct"][-1]


# How often


def test_what_is_released_stays_byte_for_byte_whatever_happens_to_the_warehouse(
    settings: Settings, shop: Shop, tmp_path: Path
) -> None:
    shop.order(MARCH, 1, 10_000)
    shop.watermark("2026-04-09")
    release(settings)
    book, rows = budget_book(settings, "eu").path.read_bytes(), published(settings, tmp_path / "one")
    state = released_state(settings)

    shop.order(MARCH, 2, 99_999)
    tighter = {"epsilon_per_month": Decimal(1), "contribution_cap": Decimal(1), "release_model": "last_touch"}
    changed = settings_of(settings.warehouse, **tighter)
    for one in (settings, changed):
        assert release(one) == []
    settings.region_file("eu").unlink()
    Shop(settings).watermark("2026-04-09")
    assert release(settings) == []

    assert budget_book(settings, "eu").path.read_bytes() == book
    assert published(settings, tmp_path / "two") == rows
    assert released_state(settings) == state


def test_final_month_is_corrected_once_from_the_reserve(settings: Settings, shop: Shop, tmp_path: Path) -> None:
    shop.order(MARCH, 1, 10_000)
    shop.watermark("2026-04-09")
    release(settings)
    shop.order(MARCH, 2, 20_000)
    assert release(settings) == []
    shop.watermark("2026-05-05")  # 35 days after 31 March
    assert release(settings) == [(MARCH, "correction"), (APRIL, "first")]
    shop.order(MARCH, 3, 30_000)
    assert release(settings) == []
    row = published(settings, tmp_path / "version")[MARCH, "eu", "Email"]
    assert (round(row[2]), row[4], row[5]) == (300, "correction", 2 * 10**9)


def test_month_with_known_loss_waits_for_its_correction(settings: Settings, shop: Shop) -> None:
    shop.build(date(2026, 3, 31))
    shop.watermark("2026-04-09")
    release(settings)
    shop.run("""insert into ops.archives select * replace (3 as archive_id, 'b' as name, 9 as start_offset)
        from ops.archives""")
    shop.watermark("2026-05-05")
    assert release(settings) == [(APRIL, "first")]
    shop.run("update ops.archives set start_offset = 1 where name = 'b'")
    shop.watermark("2026-05-05")
    assert release(settings) == [(MARCH, "correction")]


def test_correction_that_noise_alone_explains_does_not_stand(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "w", epsilon_per_month=Decimal(1), epsilon_reserve_per_month=Decimal("0.25"))
    shop = Shop(settings)
    shop.watermark("2026-04-09")
    release(settings)
    first = published(settings, tmp_path / "one")
    shop.order(MARCH, 1, 500)
    shop.watermark("2026-05-05")
    assert (MARCH, "correction") in release(settings)
    draws = budget_book(settings, "eu").draws()
    if draws[MARCH, "correction"].result["has_moved"]:
        pytest.skip("one draw in about 200 says so by chance")
    second = published(settings, tmp_path / "two")
    assert [row[:5] for row in first.values()] == [second[cell][:5] for cell in first]
    assert {second[cell][5] for cell in first} == {Decimal("1.25")}


def test_month_that_was_final_at_its_first_release_is_not_corrected(settings: Settings, shop: Shop) -> None:
    shop.watermark("2026-05-05")
    assert release(settings) == [(MARCH, "first"), (APRIL, "first")]
    shop.watermark("2026-05-20")
    assert release(settings) == []


def test_without_a_reserve_nothing_is_corrected(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "w", epsilon_reserve_per_month=Decimal(0))
    shop = Shop(settings)
    shop.watermark("2026-04-09")
    release(settings)
    shop.watermark("2026-05-05")
    assert release(settings) == [(APRIL, "first")]


def test_correction_that_the_budget_does_not_hold_is_refused_and_the_first_stands(
    settings: Settings, shop: Shop
) -> None:
    shop.watermark("2026-04-09")
    release(settings)
    lowered = settings_of(settings.warehouse, epsilon_per_month=Decimal(1), epsilon_reserve_per_month=Decimal(1))
    shop.watermark("2026-05-05")
    outcome = release_due(lowered, "eu", clock=lambda: NOW)
    assert outcome.drawn == [(APRIL, "first")]
    assert list(outcome.refused) == [MARCH]
    assert [draw.release for draw in in_force(budget_book(lowered, "eu").draws())] == ["first", "first"]


def test_restored_warehouse_releases_nothing_anew(settings: Settings, shop: Shop, tmp_path: Path) -> None:
    shop.watermark("2026-04-09")
    release(settings)
    backup = tmp_path / "backup.jsonl"
    shutil.copyfile(budget_book(settings, "eu").path, backup)
    restored = settings_of(tmp_path / "restored")
    Shop(restored).watermark("2026-04-09")
    budget_book(restored, "eu").merge(backup)
    assert release(restored) == []
    assert published(restored, tmp_path / "two") == published(settings, tmp_path / "one")


def test_book_that_lacks_a_published_month_draws_nothing(settings: Settings, shop: Shop) -> None:
    shop.watermark("2026-04-09")
    release(settings)
    published(settings, settings.published)
    book = budget_book(settings, "eu").path
    kept = book.rename(book.with_name("kept"))
    with pytest.raises(PermanentError, match="the budget book lacks 2026-03, published before"):
        release(settings)
    assert not book.exists()
    budget_book(settings, "eu").merge(kept)
    assert release(settings) == []


# What is published


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


PROCESS = """
import sys
from decimal import Decimal
from pathlib import Path
from operations.releases import release_due
from settings import Settings
print("ready", flush=True)
sys.stdin.readline()
print(release_due(Settings(warehouse=Path(sys.argv[1]), regions={"eu": {}}), "eu").drawn, flush=True)
"""


def test_two_releases_at_once_draw_the_month_once(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "w", epsilon_per_month=Decimal(1))
    Shop(settings).watermark("2026-04-09")
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(settings.warehouse)], cwd=ROOT, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(60) for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
        process.stdin.close()
    book = budget_book(settings, "eu")
    assert (book.spent(MARCH), len(book.path.read_text().splitlines())) == (1, 2)
