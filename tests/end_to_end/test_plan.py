"""What `romi plan` tells of a changed rule, file or person is what the run after it books, in every cell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from tests.end_to_end.conftest import Shop, campaign, order, page

NOW = "2026-03-20T12:00:00Z"
CONFIG = {"regions": {"eu": {}, "us": {"timezone": "America/New_York"}}, "privacy": {"k_anonymity": 1}}
_CHANNELS = [("google", "cpc", "brand"), ("facebook", "paid_social", "spring"), ("newsletter", "email", "march")]


def land(shop: Shop) -> None:
    """Two regions of six weeks: an order every other day, each after three visits, the last of them direct."""
    (shop.landing / "fx").mkdir()
    rates = "\n".join(f"2026-{month:02}-{day:02},1.{10 + day}," for month in (3, 2) for day in (27, 20, 13, 6, 2))
    (shop.landing / "fx/eurofxref-hist.csv").write_text(f"Date,USD,\n{rates}\n")
    for region in ("eu", "us"):
        records, ledger, cost = [], [], []
        days = [f"2026-{month:02}-{day:02}" for month, last in ((2, 28), (3, 18)) for day in range(2, last, 2)]
        for number, day in enumerate(days):
            who, first, last = f"{region}-a{number % 9}", number % 3, (number + 1) % 3
            records += [
                page(f"{region}-p{number}", f"{day}T08:00:00Z", who, context=campaign(*_CHANNELS[first])),
                page(f"{region}-q{number}", f"{day}T10:00:00Z", who, context=campaign(*_CHANNELS[last])),
                page(f"{region}-r{number}", f"{day}T10:45:00Z", who),  # a visit of its own, if half an hour ends one
                order(f"{region}-o{number}", f"{day}T11:00:00Z", f"{region}{number}", 20 + number, who),
            ]
            ledger.append({
                "order_id": f"{region}{number}", "ordered_at": f"{day}T11:00:00Z", "status": "completed",
                "revenue": 20 + number, "refunded": 0, "cogs": "" if number % 2 else 5,
                "updated_at": f"{day}T12:00:00Z", "currency": "USD" if number % 5 == 0 else "EUR",
            })  # fmt: skip
            cost.append({"date": day, "campaign_id": "7", "campaign_name": f"brand {region}", "impressions": 9,
                         "clicks": 2, "spend": 3 + number, "currency": "EUR"})  # fmt: skip
        shop.archive(region, 0, records)
        shop.table(region, "ledger/orders.csv", ledger)
        shop.table(region, "spend/google_ads/costs.csv", cost)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Shop:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW)
        patch.delenv("ROMI_KEY_FILE", raising=False)
        shop = Shop(tmp_path_factory.mktemp("built"))
        configure(shop)
        land(shop)
        code, outcome = shop.romi("run")
        assert (code, outcome["failures"]) == (0, [])
        return shop


def configure(shop: Shop, **changed: object) -> None:
    shop.configure(yaml.safe_dump({**CONFIG, **changed}))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def costs(shop: Shop, region: str, name: str, **changed: object) -> None:
    row = {"date": "2026-03-04", "campaign_id": "7", "campaign_name": "brand", "impressions": 9, "clicks": 2,
           "spend": 500, "currency": "EUR", **changed}  # fmt: skip
    shop.table(region, f"spend/{name}/later.csv", [row])


CHANGES: dict[str, Callable[[Shop], None]] = {
    "another look-back window": lambda shop: configure(shop, attribution={"lookback_days": 1}),
    "another half-life": lambda shop: configure(shop, attribution={"time_decay_half_life_days": 1}),
    "other position weights": lambda shop: configure(shop, attribution={"position_weights": [0.1, 0.8, 0.1]}),
    "another session timeout": lambda shop: configure(shop, attribution={"session_timeout_minutes": 240}),
    "another margin": lambda shop: configure(shop, regions={"eu": {"margin_rate": 0.3}, "us": CONFIG["regions"]["us"]}),
    "another time zone": lambda shop: configure(shop, regions={"eu": {"timezone": "Pacific/Auckland"}, "us": {}}),
    "a channel of its own": lambda shop: configure(
        shop, attribution={"channel_rules": [{"channel": "Partners", "source": "newsletter"}]}
    ),
    "small cells": lambda shop: configure(shop, privacy={"k_anonymity": 3}),
    "restated cost": lambda shop: costs(shop, "eu", "google_ads"),
    "cost of a new platform": lambda shop: costs(shop, "us", "meta_ads", campaign_name="spring"),
    "a refund": lambda shop: edit(
        shop.landing / "eu/ledger/orders.csv", "completed,27,0", "partially_refunded,27,12.34"
    ),
    "a cancelled order": lambda shop: edit(shop.landing / "us/ledger/orders.csv", "completed,31", "cancelled,31"),
    "a late order": lambda shop: shop.table("eu", "ledger/late.csv", [{
        "order_id": "late", "ordered_at": "2026-02-11T09:00:00Z", "status": "completed", "revenue": "77.77",
        "refunded": 0, "cogs": "", "currency": "EUR", "updated_at": "2026-03-19T09:00:00Z"}]),
    "late behaviour": lambda shop: shop.archive("us", 900, [
        page("late-1", "2026-03-07T09:00:00Z", "us-a7", context=campaign("bing", "cpc", "late"))]),
    "a corrected rate": lambda shop: edit(shop.landing / "fx/eurofxref-hist.csv", "2026-03-13,1.23", "2026-03-13,1.33"),
    "a new day": lambda shop: shop.archive("eu", 900, [order("new", "2026-03-19T09:00:00Z", "new", 5, "eu-a1")]),
    "nothing": lambda shop: None,
}  # fmt: skip


def copy_of(built: Shop, folder: Path) -> Shop:
    shutil.copytree(built.folder, folder, symlinks=True)
    shop = Shop.__new__(Shop)
    shop.folder, shop.landing, shop.warehouse = folder, folder / "landing", folder / "warehouse"
    return shop


def cells(shop: Shop, before: Path) -> list[tuple]:
    """What the current version has otherwise than `before` in the cells of months, by channel and model, in cents."""
    with duckdb.connect(str((shop.warehouse / "published").resolve() / "marts.duckdb"), read_only=True) as con:
        con.execute(f"attach '{before / 'marts.duckdb'}' as was (read_only)")
        return con.execute("""
            with cells as (
                select month, region, channel, attribution_model,
                    (100 * (coalesce(now.revenue, 0) - coalesce(was.revenue, 0)))::bigint as revenue,
                    (100 * (coalesce(now.spend, 0) - coalesce(was.spend, 0)))::bigint as spend,
                    (100 * (coalesce(now.cogs, 0) - coalesce(was.cogs, 0)))::bigint as cogs
                from finance.romi_monthly as now full join was.finance.romi_monthly as was
                    using (month, region, channel, campaign, attribution_model)
                where (month, region) in (select (date, region) from finance.restatements
                    where "table" = 'romi_monthly' and version = (select max(version) from meta.versions)))
            select strftime(month, '%Y-%m'), region, channel, attribution_model, sum(revenue)::bigint,
                sum(spend)::bigint, sum(cogs)::bigint
            from cells group by all having sum(revenue) <> 0 or sum(spend) <> 0 or sum(cogs) <> 0
            order by all""").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_told_is_what_the_next_run_books(built, tmp_path, monkeypatch, change):
    monkeypatch.setenv("ROMI_NOW", NOW)
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    shop = copy_of(built, tmp_path / "shop")
    before = (shop.warehouse / "published").resolve()
    CHANGES[change](shop)
    code, told = shop.romi("plan", "--landing", str(shop.landing))
    assert (code, told["failures"]) == (0, [])
    assert (shop.warehouse / "published").resolve() == before
    assert shop.romi("run")[0] == 0
    version = told["version"] + 1
    booked = shop.query(f"""from finance.restatements where version = {version}
        order by version, "table", date, region""")
    assert [tuple(one.values()) for one in told["restatements"]] == [
        tuple(None if value is None else value if isinstance(value, int) else str(value) for value in row)
        for row in booked
    ]
    assert bool(booked) == (change != "nothing")
    if change == "a new day":  # its order teaches the models that learn: credit moves, and no money
        assert not {one["table"] for one in told["restatements"]} & {"orders_daily", "spend_daily"}
    money = ("revenue", "spend", "cogs")
    assert [
        (one["month"], one["region"], one["channel"], one["attribution_model"],
         *(one["cents"].get(name, 0) for name in money))
        for one in told["moved"] if one["table"] == "romi_monthly" and any(one["cents"].get(name) for name in money)
    ] == (cells(shop, before) if booked else [])  # fmt: skip


@pytest.mark.slow
def test_a_comment_for_a_pull_request_says_what_moves(built, tmp_path, monkeypatch):
    from orchestration.cli.main import main

    monkeypatch.setenv("ROMI_NOW", NOW)
    shop = copy_of(built, tmp_path / "shop")
    CHANGES["another margin"](shop)
    result = CliRunner().invoke(main, [
        "plan", "--markdown", "--config", str(shop.folder / "romi.yaml"), "--landing", str(shop.landing),
        "--warehouse", str(shop.warehouse)], catch_exceptions=False)  # fmt: skip
    assert result.exit_code == 0
    assert result.stdout.startswith("### What this changes in the published figures\n")
    assert "changed rules" in result.stdout
    assert "orders\\_daily" in result.stdout
    assert json.dumps(str(shop.warehouse)) not in result.stdout
