"""A closed month's figures never change, and what comes later is booked in the month that is open."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from decimal import Decimal

import pytest

from operations.closes import close as closing
from operations.closes.close import close, reopen
from operations.closes.locks import all_locks, damaged_files, folder_of, in_force
from operations.closes.still_open import StillOpenError, still_open
from operations.publishing.publish import publish
from operations.store.memory.findings import LostStateError
from operations.store.rollback import rollback, unpin
from operations.store.versions import version_dir
from privacy import signing
from settings import Close, Region, Settings, UsageError
from tests.operations import marts
from tests.operations.closes import shop as closed_shop
from tests.operations.closes.shop import FEBRUARY, JANUARY, let_ledger_pass, rows_of, told
from tests.operations.marts import DAYS, NOW, ask, build, change, publish_now

settings, shop, closed = marts.settings, closed_shop.shop, closed_shop.closed
plain_documents = closed_shop.plain_documents


def test_what_comes_later_leaves_the_month_as_it_was_and_is_booked_in_the_open_one(closed: Settings) -> None:
    before = rows_of(closed, JANUARY)
    for version, revenue in ((3, 130), (4, 90), (5, 100)):
        build(closed, "eu", revenue=revenue)
        assert publish_now(closed).version == version
        assert rows_of(closed, JANUARY) == before
        assert sum(told(closed, JANUARY)) == 2 * revenue
        assert sum(told(closed, JANUARY, region="us")) == 200
        assert ask(closed, "select sum(revenue) from finance.orders_daily where date = '2026-02-01' and region = 'eu'"
                   ) == [(revenue,)]  # fmt: skip
    booked = ask(
        closed,
        """select version, booked_month, closed_month, "table", revenue, margin, orders, spend, why
        from finance.prior_period_adjustments order by version""",
    )
    assert booked == [
        (version, FEBRUARY, JANUARY, "orders_daily", Decimal(change), Decimal(change), 0, None, "behaviour")
        for version, change in ((3, 60), (4, -80), (5, 20))
    ]
    restated = (
        """select distinct date_trunc('month', date)::date from finance.restatements where "table" <> 'romi_monthly'"""
    )
    assert ask(closed, restated) == [(FEBRUARY,)]


def test_an_experiment_read_later_leaves_what_was_said_of_a_closed_months_cause(closed: Settings) -> None:
    change(
        closed, "eu",
        """insert into finance.experiment_lift by name select 'winter' as experiment, 'eu' as region,
            'Paid Search' as channel, '(all)' as campaign, 'person' as assignment, date '2026-01-20' as from_date,
            date '2026-02-10' as to_date, 10 as spend, 6 as incremental_margin, 4 as incremental_margin_low,
            8 as incremental_margin_high, 'linear' as attribution_model"""
    )  # fmt: skip
    build(closed, "eu", revenue=130)
    publish_now(closed)
    grades = "select month, grade from finance.incremental_romi where region = 'eu' order by all"
    assert ask(closed, grades) == [(JANUARY, "C"), (FEBRUARY, "A")]


def test_a_month_says_that_it_is_closed_and_by_which_manifest(closed: Settings) -> None:
    [lock] = in_force(closed)
    assert ask(closed, "from meta.closed_months") == [(JANUARY, 1, NOW.replace(tzinfo=None), 1, lock.sha256)]
    public = signing.public_key(closing.signing_key(closed))
    text = (lock.folder / "manifest.json").read_text()
    manifest = signing.verified(text, public)
    assert (manifest["closed_by"], manifest["totals"]["eu"]["revenue"]) == ("ann", "200.00")
    assert set(manifest["files"]) >= {"configuration.json", "inputs.parquet", "report.html", "workbook.xlsx",
                                      "figures/finance/romi_monthly.parquet"}  # fmt: skip
    assert damaged_files(lock) == []
    with pytest.raises(signing.ForgedError):
        signing.verified(text.replace("200.00", "201.00", 1), public)


def test_closing_again_changes_nothing(closed: Settings) -> None:
    stand = marts.stand(closed)
    again = close(closed, JANUARY, "bob")
    assert (again.is_new, again.version) == (False, None)
    assert marts.stand(closed) == stand


def test_a_reopened_month_follows_the_truth_as_restatements_and_is_adjusted_no_more(closed: Settings) -> None:
    build(closed, "eu", revenue=130)
    publish_now(closed)
    reopen(closed, JANUARY, "the ledger was wrong", "ann")
    assert told(closed, JANUARY) == (260, 0)
    restated = """select version, revenue_change, why from finance.restatements
        where "table" = 'orders_daily' and date_trunc('month', date) = '2026-01-01' order by all"""
    assert ask(closed, restated) == [(4, Decimal(30), "the month was reopened")] * 2
    document = json.loads((all_locks(closed)[0].folder / "reopened.json").read_text())
    assert (document["reason"], document["reopened_by"]) == ("the ledger was wrong", "ann")
    assert in_force(closed) == []
    done = close(closed, JANUARY, "ann")
    assert (done.lock.number, told(closed, JANUARY)) == (2, (260, 0))
    build(closed, "eu", revenue=140)
    publish_now(closed)
    assert told(closed, JANUARY) == (260, 20)


def test_a_month_that_is_not_closed_cannot_be_reopened_nor_one_without_a_reason(closed: Settings) -> None:
    with pytest.raises(UsageError, match="2026-02 is not closed; closed: 2026-01"):
        reopen(closed, FEBRUARY, "why not", "ann")
    with pytest.raises(UsageError, match="a reason is needed"):
        reopen(closed, JANUARY, " ", "ann")


def test_while_a_day_of_it_is_withheld_what_was_booked_of_the_month_stands(closed: Settings) -> None:
    build(closed, "eu", revenue=130)
    publish_now(closed)
    build(closed, "eu", revenue=150)
    change(closed, "eu", "update ops.days set withheld_reason = 'missing orders' where day = '2026-01-31'")
    publish_now(closed)
    assert told(closed, JANUARY) == (200, 60)
    change(closed, "eu", "update ops.days set withheld_reason = null, build = build + 1")
    publish_now(closed)
    assert told(closed, JANUARY) == (200, 100)


def test_a_region_that_is_late_or_gone_keeps_the_closed_figures(closed: Settings) -> None:
    before = rows_of(closed, JANUARY)
    shutil.move(closed.region_file("us"), closed.region_file("us").with_suffix(".away"))
    build(closed, "eu", revenue=130)
    publish_now(closed)
    assert rows_of(closed, JANUARY) == before
    assert (told(closed, JANUARY), told(closed, JANUARY, region="us")) == ((200, 60), (200, 0))


def test_months_closed_one_after_another_are_adjusted_in_the_one_after_them(closed: Settings) -> None:
    build(closed, "eu", revenue=130)
    let_ledger_pass(closed, "2026-03-05")
    publish_now(closed)
    close(closed, FEBRUARY, "ann")
    build(closed, "eu", revenue=100)
    publish_now(closed)
    booked = (
        """select version, booked_month, closed_month, revenue from finance.prior_period_adjustments order by all"""
    )
    march = date(2026, 3, 1)
    assert ask(closed, booked) == [
        (3, FEBRUARY, JANUARY, Decimal(60)), (5, march, JANUARY, Decimal(-60)), (5, march, FEBRUARY, Decimal(-30)),
    ]  # fmt: skip
    _, february = in_force(closed)
    locked = f"select revenue from '{february.folder}/figures/finance/prior_period_adjustments.parquet'"
    assert ask(closed, locked) == [(Decimal(60),)]


def test_nothing_is_published_without_a_lock_that_was_there(closed: Settings) -> None:
    [lock] = in_force(closed)
    build(closed, "eu", revenue=130)
    figures = lock.folder / "figures/finance/orders_daily.parquet"
    kept = figures.read_bytes()
    figures.chmod(0o640)
    figures.write_bytes(kept[:-1] + b"x")
    with pytest.raises(LostStateError, match=r"closes/2026-01/1 is missing or not what was locked"):
        publish(closed)
    figures.write_bytes(kept)
    shutil.move(lock.folder, lock.folder.with_name(".away"))
    with pytest.raises(LostStateError, match=r"put .*closes/2026-01/1 back from a backup"):
        publish(closed)


def test_no_rollback_behind_a_close(closed: Settings) -> None:
    build(closed, "eu", revenue=130)
    let_ledger_pass(closed, "2026-03-05")
    publish_now(closed)
    close(closed, FEBRUARY, "ann")
    with pytest.raises(UsageError, match=r"version 2 is older than the close of 2026-02.*version 3 or a later one"):
        rollback(closed, 2)
    rollback(closed, 3)
    assert [one.kind for one in still_open(closed, date(2026, 3, 1))] == ["pinned", "ledger", "ledger"]
    unpin(closed)
    assert publish_now(closed).version == 5


def test_a_close_that_is_killed_is_done_or_not_begun(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    let_ledger_pass(shop, "2026-02-02")
    publish_now(shop)
    killed = RuntimeError("killed")

    def die(*_, **__):
        raise killed

    with monkeypatch.context() as patch:
        patch.setattr(closing.os, "rename", die)
        with pytest.raises(RuntimeError):
            close(shop, JANUARY, "ann")
    assert in_force(shop) == []
    with monkeypatch.context() as patch:
        patch.setattr(closing, "publish", die)
        with pytest.raises(RuntimeError):
            close(shop, JANUARY, "ann")
    [lock] = in_force(shop)
    assert not list(folder_of(shop, JANUARY).glob(".*"))
    build(shop, "eu", revenue=130)
    publish_now(shop)  # the next run, say
    assert told(shop, JANUARY) == (200, 60)
    assert close(shop, JANUARY, "ann").is_new is False
    assert lock == in_force(shop)[0]


def test_a_month_is_not_closed_while_something_of_it_is_open_and_all_of_it_is_listed(shop: Settings) -> None:
    let_ledger_pass(shop, "2026-01-31")
    publish_now(shop)
    change(
        shop,
        "eu",
        """
        update ops.days set withheld_reason = 'stale_rate', build = build + 1 where day = '2026-01-30';
        insert into ops.pending_days (day, reason) values ('2026-01-31', 'cost');
        insert into ops.unpriced_orders values ('1', '2026-01-30', 'ISK', 5);
        insert into ops.archives values
            (7, 'ledger', 'l.csv', '', 0, 0, 1, 1, 'x', 'corrupt', 'cut', 1, 0, now(), null),
            (8, 'spend', 's.csv', '', 0, 0, 1, 1, 'y', 'loaded', null, 1, 3, now(), now());
        insert into ops.refused_days values (8, '2026-01-30', 2);
        insert into ops.refused_rows values
            (8, 2, 'invalid_money', 'spend', '2026-01-30', '2026-01-30'),
            (8, 3, 'invalid_timestamp', 'date', null, null)""",
    )
    change(shop, "us", "delete from raw.ledger_orders")  # without a ledger, the events tell that the month is over
    with pytest.raises(StillOpenError) as refused:
        close(shop, JANUARY, "ann")
    assert [(one.region, one.kind, one.what) for one in refused.value.found] == [
        ("eu", "published", "what is published is not its last build"),
        ("eu", "withheld", "2026-01-30 is withheld (stale_rate)"),
        ("eu", "pending", "1 changes wait to be rebuilt"),
        ("eu", "rates", "1 orders have no reference rate"),
        ("eu", "files", "1 files cannot be read, the first is l.csv"),
        ("eu", "rows", "2 rows of ledger or spend were refused"),
        ("eu", "ledger", "the ledger reaches only 2026-01-31, not past 2026-01-31"),
    ]
    assert all(one.mend for one in refused.value.found)
    assert all_locks(shop) == []


def test_orders_that_do_not_agree_are_open_above_the_limit(shop: Settings) -> None:
    let_ledger_pass(shop, "2026-02-02")
    change(shop, "us", "update finance.reconciliation_daily set missing_in_ledger = 2 where date = '2026-01-30'")
    publish_now(shop)
    [one] = still_open(shop, JANUARY)
    assert str(one).startswith("us: 2 orders do not agree with the ledger (the limit is 0)")
    assert still_open(shop.model_copy(update={"close": Close(unreconciled_orders=2)}), JANUARY) == []


def test_a_region_that_is_stopped_and_a_month_before_are_open(closed: Settings) -> None:
    closed.region_file("us").unlink()
    assert {one.kind for one in still_open(closed, FEBRUARY) if one.region == "us"} == {"stopped"}
    reopen(closed, JANUARY, "why", "ann")
    assert "2026-01 comes before it and is not closed; `romi close 2026-01` first" in map(
        str, still_open(closed, FEBRUARY)
    )


def test_an_older_contract_closes_what_it_has_and_later_columns_are_empty(closed: Settings) -> None:
    """A lock is never written anew: a column that came later is NULL in it."""
    [lock] = in_force(closed)
    path = lock.folder / "figures/finance/spend_daily.parquet"
    ask(closed, f"copy (select * exclude (clicks) from '{path}') to '{path}.new' (format parquet)")
    path.with_name("spend_daily.parquet.new").replace(path)
    text = json.loads((lock.folder / "manifest.json").read_text())
    from operations.store.memory.marks import content_of

    text["files"]["figures/finance/spend_daily.parquet"]["sha256"] = content_of(path)
    (lock.folder / "manifest.json").chmod(0o640)
    (lock.folder / "manifest.json").write_text(json.dumps(text))
    from operations.store.memory.remembered import WAREHOUSE, warehouse_memory, write

    write(closed, WAREHOUSE, warehouse_memory(closed).model_copy(update={"closes": {}}))
    build(closed, "eu", revenue=130)
    publish_now(closed)
    clicks = "select distinct clicks from finance.spend_daily where date < '2026-02-01'"
    assert ask(closed, clicks) == [(None,)]


def test_a_day_of_touches_is_closed_with_the_month_in_which_its_look_back_window_ends(shop: Settings) -> None:
    let_ledger_pass(shop, "2026-03-02")
    touched = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 28)]

    def credit(revenue: int) -> None:
        for day in touched:
            change(shop, "eu", f"delete from finance.romi_by_touch_date where date = '{day}'")
            change(
                shop,
                "eu",
                f"""insert into finance.romi_by_touch_date
                select * replace ('{day}'::date as date, {revenue} as revenue)
                from finance.romi_daily where date = '{DAYS[0]}'""",
            )

    credit(100)
    publish_now(shop)
    first = close(shop, JANUARY, "ann").lock
    window = timedelta(days=31)
    table = next(one for one in marts.FINANCE if one.is_by_touch)
    assert first.days(table) == (JANUARY - window, date(2026, 1, 31) - window)
    credit(150)
    build(shop, "eu", days=[DAYS[0]])
    publish_now(shop)
    shown = """select date, any_value(revenue)::int from finance.romi_by_touch_date
        where attribution_model = 'linear' group by date order by date"""
    assert ask(shop, shown) == [(touched[0], 100), (touched[1], 150), (touched[2], 150)]
    adjusted = """select attribution_model, revenue from finance.prior_period_adjustments
        where "table" = 'romi_by_touch_date' order by all"""
    assert ask(shop, adjusted) == [("last_touch", Decimal(50)), ("linear", Decimal(50))]
    second = close(shop, FEBRUARY, "ann").lock
    assert second.days(table) == (JANUARY, date(2026, 2, 28) - window)
    assert Region() == shop.region("eu")
    assert version_dir(shop, 4).is_dir()
