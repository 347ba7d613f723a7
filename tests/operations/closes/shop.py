"""Warehouses of closed months that look built, by statements instead of runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ingestion.books import region_file
from operations.closes import contents
from operations.closes.close import close
from operations.finance_tables.published_tables import LOCKED
from operations.store.locks import exclusive
from settings import Settings
from tests.kit.prebuilt import copy_of
from tests.operations.marts import NOW, ask, build, publish_now, settings_of

JANUARY = date(2026, 1, 1)
FEBRUARY = date(2026, 2, 1)


def _build_shop(folder: Path) -> None:
    settings = settings_of(folder)
    with exclusive(settings):
        for region in ("eu", "us"):
            build(settings, region)


def _publish_shop(folder: Path) -> None:
    _build_shop(folder)
    publish_now(settings_of(folder))


def close_january(folder: Path) -> None:
    _build_shop(folder)
    settings = settings_of(folder)
    let_ledger_pass(settings, "2026-02-02")
    publish_now(settings)
    assert close(settings, JANUARY, "ann").version == 2


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Settings:
    """Two regions of three days, all final, in a warehouse that is one."""
    copy_of(_build_shop, tmp_path)
    return settings


@pytest.fixture
def shown(settings: Settings, tmp_path: Path) -> Settings:
    """The shop, published once."""
    copy_of(_publish_shop, tmp_path)
    return settings


@pytest.fixture
def closed(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """January is closed, with 200 of revenue in each region."""
    monkeypatch.setenv("ROMI_NOW", NOW.isoformat())
    copy_of(close_january, tmp_path)
    return settings


@pytest.fixture(autouse=True)
def plain_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report and workbook of a lock have tests of their own."""

    def write(folder: Path, month: date, work: Path) -> None:
        (work / contents.REPORT).write_text(f"report of {month}")
        (work / contents.WORKBOOK).write_text(f"workbook of {month}")

    monkeypatch.setattr(contents, "_write_documents", write)


def let_ledger_pass(settings: Settings, day: str, *regions: str) -> None:
    """Have the ledger of regions go on up to that day."""
    for region in regions or ("eu", "us"):
        with region_file(settings, region) as con:
            con.execute(
                """insert into raw.ledger_orders (file, line, order_id, ordered_at, status, revenue_minor,
                refunded_minor, currency, updated_at) values ('f', 1, 'last', ?, 'completed', 0, 0, 'EUR', ?)""",
                [day, day],
            )


def rows_of(settings: Settings, month: date, folder: Path | None = None) -> dict[str, list[tuple]]:
    """The published rows of a month, by table, in their order; of touches, all that are locked by now."""
    found = {}
    for table in LOCKED:
        if table.period and not table.is_by_touch:
            where = f"date_trunc('month', {table.period}) = date '{month}'"
            found[table.name] = ask(settings, f"from {table} where {where} order by all", folder)
    return found


def told(settings: Settings, month: date, measure: str = "revenue", region: str = "eu") -> tuple:
    """The month's figure as it is shown, and the sum of its adjustments."""
    shown = f"""select coalesce(sum({measure}), 0) from finance.orders_daily
        where region = '{region}' and date_trunc('month', date) = date '{month}'"""
    adjusted = f"""select coalesce(sum({measure}), 0) from finance.prior_period_adjustments
        where region = '{region}' and closed_month = date '{month}' and "table" = 'orders_daily'"""
    return ask(settings, shown)[0][0], ask(settings, adjusted)[0][0]
