"""Rows that could not be read, and rates that are too old: the gate sees what is missing."""

from datetime import date

import pytest

from settings import Settings
from settings.sources import Fx
from tests.quality.test_reconcile import DAY, NEXT, Shop, clean, shop

__all__ = ["clean", "shop"]  # fixtures


def refused(shop: Shop, kind: str, day: date, records: int = 1, archive: int = 7) -> None:
    shop.con.execute(
        """insert into ops.archives
        select ?, ?, ? || '/a.csv', '', 0, 0, 1, 1, 'x', 'loaded', null, 1, 1, now(), now()""",
        [archive, kind, kind],
    )
    shop.con.execute("insert into ops.refused_days values (?, ?, ?)", [archive, day, records])
    shop.con.execute(
        "insert into ops.refused_rows select ?, i + 2, 'invalid_money', 'spend', ?, ? from range(?) t(i)",
        [archive, day, day, records],
    )


def test_a_refused_row_of_the_ledger_is_an_order_that_is_missing(clean: Shop) -> None:
    refused(clean, "ledger", DAY)
    withheld = clean.reconcile()
    assert withheld == {DAY: "accuracy below 0.999: 1 of 3 ledger orders are missing or differ"}
    row = clean.row()
    assert (row["ledger_orders"], row["missing_in_warehouse"], row["refused_rows"]) == (3, 1, 1)
    assert (row["accuracy"], row["event_match_rate"]) == (1 - 1 / 3, 0.5)


def test_a_refused_row_of_spend_makes_the_days_cost_incomplete(clean: Shop) -> None:
    clean.spend("EUR")
    refused(clean, "spend", DAY)
    assert clean.reconcile() == {DAY: "cost is incomplete: 1 of 2 rows of spend was refused, as in spend/a.csv"}
    assert clean.row()["refused_rows"] == 1


def test_a_row_that_is_missing_on_several_days_is_told_of_once(clean: Shop) -> None:
    clean.spend("EUR")
    refused(clean, "spend", DAY)
    clean.con.execute("update ops.refused_rows set day = null, until = null")
    clean.con.execute("insert into ops.refused_days values (7, ?, 1)", [NEXT])
    told = clean.reconcile()
    assert list(told) == [DAY, NEXT]
    assert all("1 of 2 rows of spend" in reason and "was refused" in reason for reason in told.values())


def test_few_refused_rows_of_many_are_within_the_objective(clean: Shop) -> None:
    clean.con.execute("""insert into raw.spend (file, line, platform, spend_on, campaign_id, spend_minor, currency)
        select 's', i, 'google_ads', '2026-03-02', 'c', 1, 'EUR' from range(5000) t(i)""")
    refused(clean, "spend", DAY)
    assert clean.reconcile() == {}


def test_what_a_later_delivery_of_the_file_could_read_counts_no_more(clean: Shop) -> None:
    refused(clean, "ledger", DAY)
    refused(clean, "ledger", NEXT, archive=8)
    assert list(clean.reconcile()) == [NEXT]


def test_the_last_rate_stands_for_some_days_only(clean: Shop) -> None:
    assert clean.reconcile() == {}
    clean.con.execute("update raw.fx_rates set rate_on = '2026-02-22'")
    stale = "stale_rate: the last reference rate for USD is of 2026-02-22, more than 7 days before"
    assert clean.reconcile() == {DAY: f"{stale}, needed for an order"}
    clean.settings = clean.settings.model_copy(update={"fx": Fx(max_age_days=8)})
    assert clean.reconcile() == {}


def test_a_currency_of_a_later_delivery_is_asked_for_and_not_that_of_the_one_it_replaces(shop: Shop) -> None:
    shop.spend("KWD")
    shop.con.execute("update raw.spend set delivery_order = 'a9'")
    shop.spend("USD")
    assert shop.reconcile() == {}
    shop.con.execute("update raw.spend set account = currency")  # two accounts, of which neither replaces the other
    assert list(shop.reconcile()) == [DAY]


@pytest.mark.parametrize("age", [0, -1])
def test_an_age_of_rates_is_at_least_a_day(age: int) -> None:
    with pytest.raises(ValueError, match="max_age_days"):
        Settings(fx={"max_age_days": age})
