"""`romi plan` makes the next run in a copy: what it tells is what that run books, and nothing else has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from operations.backups.backup_places import leftovers
from operations.beside import figures_of, throwaway
from operations.closes.close import close
from operations.planned import Plan, plan
from operations.publishing.publish import publish
from operations.store.rollback import rollback
from settings import OUTWARD, Settings, UsageError
from tests.operations import marts
from tests.operations.closes import shop as closed_shop
from tests.operations.closes.shop import JANUARY, let_ledger_pass
from tests.operations.marts import DAYS, NOW, ask, build, change, publish_now

settings, shop, plain_documents = marts.settings, closed_shop.shop, closed_shop.plain_documents
shown = closed_shop.shown

Change = Callable[[Settings], None]


def as_a_run(changes: Change) -> Callable:
    """What rebuilds days and publishes, as a run would."""

    def run(made: Settings, config: Path) -> tuple[list[str], dict]:
        changes(made)
        publish(made, clock=lambda: NOW)
        return [], {}

    return run


def more_revenue(made: Settings) -> None:
    build(made, "eu", revenue=130, days=DAYS[1:])


def another_channel(made: Settings) -> None:
    change(made, "us", "update finance.romi_daily set channel = 'Email' where date = '2026-01-30'")
    change(made, "us", "update finance.romi_monthly set channel = 'Email' where month = '2026-01-01'")
    change(made, "us", "update ops.days set build = build + 1, rebuilt_for = 'changed rules' where day = '2026-01-30'")


def a_new_day(made: Settings) -> None:
    build(made, "eu", days=[date(2026, 5, 20)])


def content(settings: Settings) -> dict[str, str]:
    root = settings.warehouse.parent
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*")) if path.is_file() and path.name not in (".lock", "warehouse.keys.lock")
    }  # fmt: skip


def booked(settings: Settings, version: int, table: str = "restatements") -> list[tuple]:
    return ask(settings, f"from finance.{table} where version = {version} order by all")


def as_rows(rows: list[dict]) -> list[tuple]:
    return sorted((tuple(one.values()) for one in rows), key=repr)


@pytest.mark.parametrize("changes", [more_revenue, another_channel, a_new_day])
def test_what_is_told_is_what_the_next_run_books(shown: Settings, changes: Change) -> None:
    before = content(shown)
    told: Plan = plan(shown, as_a_run(changes))
    assert content(shown) == before
    assert not list(shown.warehouse.parent.glob(".*beside*"))
    changes(shown)
    publish_now(shown)
    assert as_rows(told.restatements) == sorted(booked(shown, 2), key=repr)
    assert (told.version, told.is_new_version, told.exit_code) == (1, True, 0)


def test_cells_move_in_cents_by_table_month_and_channel_with_the_reason(shown: Settings) -> None:
    told = plan(shown, as_a_run(another_channel))
    [moved] = [one for one in told.moved if (one.table, one.channel, one.attribution_model)
               == ("romi_monthly", "Email", "linear")]  # fmt: skip
    assert moved.cents == {"spend": 2000, "revenue": 20000, "net_revenue": 20000, "cogs": 8000, "margin": 12000}
    assert (moved.month, moved.region, moved.why) == ("2026-01", "us", "changed rules")
    assert sum(one.cents.get("revenue", 0) for one in told.moved) == 0


def test_a_new_day_moves_nothing_and_is_counted(shown: Settings) -> None:
    told = plan(shown, as_a_run(a_new_day))
    assert (told.restatements, told.moved, told.new_days) == ([], [], {"eu": 1})


def test_nothing_new_is_no_version(shown: Settings) -> None:
    told = plan(shown, as_a_run(lambda _: None))
    assert (told.is_new_version, told.restatements) == (False, [])


def test_what_would_be_booked_of_a_closed_month_is_told(shop: Settings) -> None:
    let_ledger_pass(shop, "2026-02-02")
    publish_now(shop)
    close(shop, JANUARY, "ann")
    told = plan(shop, as_a_run(more_revenue))
    more_revenue(shop)
    publish_now(shop)
    assert as_rows(told.adjustments) == booked(shop, 3, "prior_period_adjustments") != []
    assert as_rows(told.restatements) == booked(shop, 3)


def test_a_run_that_fails_is_told_and_leaves_nothing(shown: Settings) -> None:
    told = plan(shown, lambda made, config: (["eu: rebuild: no such column"], {}))
    assert (told.exit_code, told.failures) == (1, ["eu: rebuild: no such column"])
    with pytest.raises(ZeroDivisionError):
        plan(shown, lambda made, config: 1 / 0)
    assert not list(shown.warehouse.parent.glob(".*beside*"))


def test_what_a_killed_plan_leaves_is_found_and_removed(shown: Settings) -> None:
    left = shown.warehouse.with_name(".warehouse.beside-0123abcd")
    (left / "warehouse").mkdir(parents=True)
    assert leftovers(shown) == [left]
    with throwaway(shown, figures_of(shown)) as (made, config):
        assert not left.exists()
        assert leftovers(shown) == []  # somebody works in it
        assert made.warehouse.parent == config.parent
    assert not list(shown.warehouse.parent.glob(".*beside*"))


def test_a_throwaway_reaches_nobody_outside(shop: Settings) -> None:
    """What is configured is either what figures depend on or outward, so that a new key has to be one of both."""
    inward = {
        "reporting_currency", "regions", "topics", "sources", "fx", "consent", "attribution", "privacy", "retention",
        "slo", "anomalies", "experiments", "features",
    }  # fmt: skip
    assert set(Settings.model_fields) == inward | OUTWARD
    assert set(figures_of(shop)) == inward


def test_without_a_version_or_with_a_pinned_one_there_is_nothing_to_plan(shop: Settings) -> None:
    with pytest.raises(UsageError, match="nothing is published yet"):
        plan(shop, as_a_run(more_revenue))
    publish_now(shop)
    rollback(shop, 1)
    with pytest.raises(UsageError, match="version 1 is pinned"):
        plan(shop, as_a_run(more_revenue))
