"""From what a region's months are drawn, and how often."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from operations.dp_release.released_marts import released_state
from operations.dp_release.releases import budget_book, in_force, release_due
from privacy.release import CHANNELS, TOTAL
from settings import PermanentError, Settings
from tests.operations.dp_release.shop import APRIL, MARCH, NOW, ROOT, Shop, published, release, settings_of


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
    path = settings.published.resolve() / "released.duckdb"
    whole = path.read_bytes()
    path.chmod(0o640)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PermanentError, match=r"/released.duckdb is damaged, or no database; .* `romi doctor`"):
        release(settings)
    path.write_bytes(whole)
    budget_book(settings, "eu").merge(kept)
    assert release(settings) == []


PROCESS = """
import sys
from decimal import Decimal
from pathlib import Path
from operations.dp_release.releases import release_due
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
