"""Warehouses that look built, by statements instead of runs: two regions, three days, and what is published of them."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.books import region_file
from operations.finance_tables.published_tables import AT_PUBLISH, FINANCE
from operations.publishing.publish import Publication, publish
from operations.rebuilding.finality import finalise
from operations.store.locks import exclusive
from settings import Region, Settings
from tests.kit.prebuilt import copy_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAYS = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]


def settings_of(folder: Path) -> Settings:
    return Settings(warehouse=folder / "warehouse", regions={"eu": Region(), "us": Region()})


def build_shop(folder: Path) -> None:
    for region in ("eu", "us"):
        build(settings_of(folder), region)


def _publish_shop(folder: Path) -> None:
    copy_of(build_shop, folder)
    publish_now(settings_of(folder))


def _publish_eu(folder: Path) -> None:
    with exclusive(settings_of(folder)):
        build(settings_of(folder), "eu")
        publish_now(settings_of(folder))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Settings:
    """Two regions of three days, all final."""
    copy_of(build_shop, tmp_path)
    return settings


@pytest.fixture
def shown(settings: Settings, tmp_path: Path) -> Settings:
    """The shop, published once."""
    copy_of(_publish_shop, tmp_path)
    return settings


def _publish_twice(folder: Path) -> None:
    copy_of(_publish_shop, folder)
    build(settings_of(folder), "eu", revenue=200)
    publish_now(settings_of(folder))


@pytest.fixture
def twice(settings: Settings, tmp_path: Path) -> Settings:
    """The shop, published a second time with 200 of revenue on each day of eu."""
    copy_of(_publish_twice, tmp_path)
    return settings


@pytest.fixture
def shown_eu(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One of the two regions, published once, at noon of 1 June and with the keys beside the warehouse."""
    monkeypatch.setenv("ROMI_NOW", "2026-06-01T12:00:00Z")
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    copy_of(_publish_eu, tmp_path)
    return settings


def build(
    settings: Settings, region: str, revenue: int = 100, days: list[date] = DAYS, received: str = "2026-05-01"
) -> None:
    """Rebuild `days` as dbt and the planner would, with one order of `revenue` on each."""
    with region_file(settings, region) as con:
        con.execute("create schema if not exists finance")
        for table in FINANCE:
            columns = ", ".join(f"{name} {type_}" for name, type_ in table.columns.items() if name not in AT_PUBLISH)
            con.execute(f"create table if not exists {table} ({columns})")
        con.execute(
            """insert into raw.events (message_id, message_order, archive_id, record_offset, type, occurred_at,
            received_at, is_anonymised) values (uuid(), uuid(), 1, 1, 'page', '2026-01-01', ?, false)""",
            [received],
        )
        build_number = con.execute("select coalesce(max(build), 0) + 1 from ops.days").fetchall()[0][0]
        for day in days:
            con.execute(
                """insert into ops.days values (?, ?, null, 'behaviour', false)
                on conflict do update set build = excluded.build, rebuilt_for = excluded.rebuilt_for""",
                [day, build_number],
            )
            rows(con, region, day, revenue)
        con.execute("""delete from finance.romi_monthly; insert into finance.romi_monthly
            select date_trunc('month', date), region, channel, campaign, attribution_model,
                sum(spend), sum(impressions), sum(clicks), sum(conversions), sum(revenue), sum(refunds),
                sum(net_revenue), sum(cogs), sum(margin), 1, 1, 1, 0, 1
            from finance.romi_daily group by all""")
        finalise(con, settings, region)


def rows(con: duckdb.DuckDBPyConnection, region: str, day: date, revenue: int) -> None:
    for table in FINANCE:
        if table.period == "date":
            con.execute(f"delete from {table} where date = ?", [day])
    income = [revenue, 0, revenue, 40, revenue - 40]
    con.execute("insert into finance.orders_daily values (?, ?, 1, ?, ?, ?, ?, ?, 1, 0)", [day, region, *income])
    con.execute(
        """insert into finance.spend_daily
        values (?, ?, 'google_ads', 'Paid Search', 'brand', 10, 5, 1, 'EUR', 10, 1)""",
        [day, region],
    )
    con.execute(
        """insert into finance.reconciliation_daily by name
        select ?::date as date, ? as region, 1 as ledger_orders, 1 as warehouse_orders, 0 as missing_in_warehouse,
            0 as missing_in_ledger, 0 as amount_mismatches, 0 as wrong_amounts, ? as ledger_revenue,
            ? as warehouse_revenue, 1 as accuracy, 1 as event_match_rate""",
        [day, region, revenue, revenue],
    )
    for model in ("linear", "last_touch"):
        con.execute(
            """insert into finance.romi_daily
            values (?, ?, 'Paid Search', 'brand', ?, 10, 5, 1, 1, ?, ?, ?, ?, ?, 10, 5, 10)""",
            [day, region, model, *income],
        )


def change(settings: Settings, region: str, statement: str) -> None:
    with region_file(settings, region) as con:
        con.execute(statement)


def publish_now(settings: Settings) -> Publication:
    done = publish(settings, clock=lambda: NOW)
    assert done is not None
    return done


def ask(settings: Settings, query: str, version: Path | None = None) -> list[tuple]:
    folder = version or settings.published
    con = duckdb.connect(str(folder.resolve() / "marts.duckdb"), read_only=True)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def revenue_by_day(settings: Settings, region: str = "eu", table: str = "orders_daily") -> dict[date, int]:
    query = (
        f"select date, any_value(revenue)::int from finance.{table} where region = '{region}' group by all order by all"
    )
    return dict(ask(settings, query))


def months(settings: Settings) -> dict[date, tuple[int, bool]]:
    query = """
        select month, any_value(revenue)::int, bool_and(is_final) from finance.romi_monthly
        where region = 'eu' group by all"""
    return {month: (revenue, is_final) for month, revenue, is_final in ask(settings, query)}


def final_days(settings: Settings, region: str = "eu") -> list[date]:
    query = f"select distinct date from finance.romi_daily where is_final and region = '{region}' order by all"
    return [day for (day,) in ask(settings, query)]


def stand(settings: Settings) -> dict[str, tuple[int, int]]:
    """Every file and link of the published side, with its inode and change time."""
    paths = [settings.published, *(path for path in settings.versions_dir.rglob("*") if path.is_file())]
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in paths if path.name != "seen.json"}
