"""What a month's row says of the proof of small cells: what was looked at, found and repaired, and what that cost."""

from datetime import date

import pytest

from settings import Settings
from tests.operations import marts
from tests.operations.marts import ask, change, publish_now

settings, shop = marts.settings, marts.shop
PROOF = "select month, is_proved, cells_checked, cells_found, repairs, repair_cost_share from finance.data_quality"
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


@pytest.fixture
def proofs(shop: Settings) -> Settings:
    """A shop whose region has all that is measured: 200 of revenue in January, 100 in February."""
    change(shop, "eu", """
        create schema if not exists intermediate;
        create table intermediate.int_privacy__published_fates (
            month date, fate varchar, revenue_cents bigint, level tinyint);
        create table intermediate.int_sessions__touchpoints (touched_on date, channel varchar, campaign varchar);
        create table intermediate.int_privacy__proofs (
            month date, division varchar, step bigint, is_fallen_back boolean, looked_at bigint, found bigint,
            repaired bigint, cost_cents bigint)""")  # fmt: skip
    return shop


def left(settings: Settings, *rows: str) -> None:
    change(settings, "eu", f"insert into intermediate.int_privacy__proofs values {', '.join(rows)}")
    publish_now(settings)


def test_a_month_says_what_the_proofs_of_its_last_steps_looked_at_found_repaired_and_kept_back(proofs):
    left(
        proofs,
        "('2026-01-01', 'credits', 1, false, 90, 9, 9, 9000)", "('2026-01-01', 'credits', 2, false, 9, 2, 1, 1300)",
        "('2026-01-01', 'fates', 1, false, 4, 1, 1, 300)", "('2026-02-01', 'currencies', 1, true, 3, 0, 0, 0)",
    )  # fmt: skip
    assert ask(proofs, f"{PROOF} where region = 'eu' order by month") == [
        (JANUARY, True, 13, 3, 2, 0.1),  # 13 of 200
        (FEBRUARY, False, 3, 0, 0, 0),
    ]


def test_a_month_of_which_nothing_was_proved_says_so_by_saying_nothing(proofs):
    change(proofs, "eu", "alter table intermediate.int_privacy__proofs drop division")  # as an older release left it
    left(proofs, "('2026-01-01', 2, false, 9, 2, 1, 0)")
    assert ask(proofs, f"{PROOF} where region = 'eu' order by month") == [
        (JANUARY, True, 9, 2, 1, 0), (FEBRUARY, None, None, None, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("kept", "at_most"), [(1, 0.01), (200, 0.01), (201, 0.05), (9_000, 0.5), (15_000, 1)])
def test_what_a_repair_keeps_back_is_told_in_steps_so_that_it_tells_of_nobody(proofs, kept, at_most):
    left(proofs, f"('2026-01-01', 'credits', 1, false, 9, 2, 1, {kept})")
    assert ask(proofs, f"{PROOF} where month = '2026-01-01' and region = 'eu'")[0][-1] == at_most
