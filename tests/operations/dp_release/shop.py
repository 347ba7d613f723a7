"""A region as far as a release reads it, and what it releases and publishes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from ingestion.books import region_file
from operations.dp_release.released_marts import write_released
from operations.dp_release.releases import due, release_due
from operations.rebuilding.finality import finalise
from settings import Privacy, Region, Settings

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


class Shop:
    """A region's file as ingestion, dbt and the gate leave it, in the few columns that a release reads."""

    def __init__(self, settings: Settings, region: str = "eu") -> None:
        self.settings, self.region, self.orders = settings, region, 0
        self.run("""
            create schema intermediate;
            create table intermediate.int_attribution__touch_credits (
                order_id varchar, ordered_on date, touched_on date, channel varchar,
                revenue_cents struct(linear bigint, last_touch bigint),
                refund_cents struct(linear bigint, last_touch bigint),
                conversion_millionths struct(linear bigint, last_touch bigint));
            create table intermediate.int_orders__conversions (order_id varchar, ordered_on date, person_id uuid);
            insert into ops.archives select 1, 'events', 'a', 'web', 0, 0, 1, 1, '', 'loaded', null, 1, 1,
                '2026-03-05', '2026-03-05';
            insert into raw.spend (
                file, line, platform, spend_on, campaign_id, campaign_name, channel, impressions, clicks, spend_minor,
                currency)
            values ('a', 1, 'google_ads', '2026-03-01', 'c', null, null, 1, 1, 100, 'EUR')""")
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
            self.run("insert into intermediate.int_attribution__touch_credits values (?, ?, ?, ?, ?, ?, ?)",
                     [self.orders, day, day, kept, *amounts])  # fmt: skip


def settings_of(folder: Path, **privacy: object) -> Settings:
    # So little noise that a cent can be told.
    rules = {"epsilon_per_month": Decimal(10**9), "epsilon_reserve_per_month": Decimal(10**9), **privacy}
    return Settings(warehouse=folder, regions={"eu": Region(), "us": Region()}, privacy=Privacy(**rules))


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
