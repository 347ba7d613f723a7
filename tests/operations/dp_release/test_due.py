"""Which months a region releases, and when."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from operations.dp_release.releases import budget_book, due
from settings import Region, Settings
from tests.operations.dp_release.shop import APRIL, MARCH, Shop, due_months, release


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
