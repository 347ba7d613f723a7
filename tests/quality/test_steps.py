"""No version, and no difference of versions, shows fewer than k buyers; and what can be named is named."""

import numpy as np
import pytest

from quality import stepping
from quality.changes import CHANNEL, OWN, REST
from quality.safe_map import safe_levels
from quality.stepping import step
from tests.quality.attack_versions import attack, small_moves
from tests.quality.histories import TABLES, History, versions
from tests.quality.histories import shop as orders_of
from tests.quality.intruder import found_by
from tests.quality.sweep import Case

SHOPS = {
    "several channels": {"seed": 5, "orders": 60, "days": 4, "channels": 3, "campaigns": 2},
    "one channel": {"seed": 8, "orders": 60, "days": 3, "channels": 1, "campaigns": 4},
    "one buyer dominates": {"seed": 15, "orders": 60, "days": 4, "channels": 2, "campaigns": 2, "whale": True},
    "one campaign": {"seed": 3, "orders": 40, "days": 3, "channels": 1, "campaigns": 1},
    "a single day": {"seed": 4, "orders": 40, "days": 2, "more": 4, "channels": 2, "campaigns": 2},
    "all refunded": {"seed": 6, "orders": 50, "days": 3, "channels": 2, "campaigns": 2, "refunds": 0.95},
    "the same few buyers": {"seed": 7, "orders": 60, "days": 3, "channels": 2, "campaigns": 2, "buyers": 8},
}  # fmt: skip


def history(k, *, steps=True, **sizes):
    found = History(k, steps=steps)
    for credits in versions(**sizes):
        found.publish(credits)
    return found


@pytest.mark.parametrize("name", SHOPS)
def test_no_figure_and_no_difference_of_versions_rests_on_fewer_than_k_buyers(name):
    assert small_moves(history(3, **SHOPS[name])) == []


@pytest.mark.parametrize("name", ["several channels", "one buyer dominates"])
def test_nothing_small_comes_out_of_all_versions_together(name):
    found = history(3, **SHOPS[name])
    assert [one for measure in (0, 1) for one in attack(found, "linear", measure, most=15)] == []


def test_without_steps_versions_give_small_cells_away():
    sizes = {"seed": 1, "orders": 60, "days": 5, "channels": 3, "campaigns": 4, "skew": 0.5}
    without = history(2, steps=False, **sizes)
    assert small_moves(without)
    assert attack(without, "last_touch", 0, most=25)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_nothing_small_comes_out_of_random_histories(seed):
    draw = np.random.default_rng(seed)
    found = history(
        int(draw.choice([3, 5, 10])), seed=seed, orders=int(draw.choice([30, 60, 120])), days=int(draw.choice([3, 5])),
        channels=int(draw.integers(1, 4)), campaigns=int(draw.choice([1, 2, 4])), skew=float(draw.choice([0.5, 2.0])),
        whale=bool(draw.random() < 0.2),
    )  # fmt: skip
    assert small_moves(found) == []
    if seed < 6:
        assert [
            one for name in ("last_touch", "linear") for i in (0, 1) for one in attack(found, name, i, most=15)
        ] == []


def restored(is_held):
    """Five versions; the file of the third comes back, and the shop goes on."""
    credits = list(versions(seed=2, orders=120, days=5, channels=2, campaigns=2, skew=0.5))
    found = History(3)
    for some in credits[:5]:
        found.publish(some)
    found.restore(2).publish(credits[5], is_held=is_held)
    for some in credits[6:]:
        found.publish(some)
    return found


def test_after_a_restore_no_figure_differs_by_fewer_than_k_buyers_from_a_version_that_was_forgotten():
    found = restored(is_held=True)
    assert small_moves(found) == []
    assert found.named_share() > 0.5
    assert small_moves(restored(is_held=False))


@pytest.mark.parametrize("seed", [6167, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6200, 6240))])
def test_what_has_left_other_and_is_forgotten_does_not_stand_alone_once_a_campaign_leaves_it_too(seed):
    found, first = Case(seed).history()
    found.published = found.published[first:]
    assert small_moves(found) == []


@pytest.mark.slow
def test_after_a_restore_no_campaign_leaves_other_where_a_forgotten_version_may_have_named_it():
    found, _ = Case(6113).history()
    assert small_moves(found) == []


def test_a_version_without_anything_new_changes_nothing():
    credits = list(versions(seed=5, orders=60, days=3, channels=3, campaigns=2))
    found = History(3).publish(credits[0]).publish(credits[1])
    before = found.published[-1]
    assert found.publish(credits[1]).published[-1] == before


def test_the_same_history_gives_the_same_versions():
    assert history(3, **SHOPS["several channels"]).published == history(3, **SHOPS["several channels"]).published


def test_what_is_new_waits_until_k_buyers_have_come():
    found, first = History(10), [one for _, some in orders_of(1, 400, days=2, channels=1, campaigns=2) for one in some]
    found.publish(first)
    more = [one for _, some in orders_of(2, 9, days=2, channels=1, campaigns=2) for one in some]
    for one in more:
        one.order += 1000
        one.buyer += 1000
    found.publish(first + more)
    waiting = [row for key, row in found.rows.items() if key[0] >= 1000]
    assert waiting
    assert all(row["levels"][table] == REST for row in waiting for table in TABLES)


@pytest.mark.parametrize(("orders", "at_once", "grown", "half"), [(300, 0.75, 0.75, 0.5), (1000, 0.94, 0.9, 0.85)])
def test_most_of_a_month_is_named(orders, at_once, grown, half):
    sizes = {"seed": 1, "orders": orders, "days": 30, "channels": 7, "campaigns": 3}
    known = orders_of(**sizes)
    assert History(10).publish([one for _, some in known for one in some]).named_share() >= at_once
    found = History(10)
    for day in range(5, 31, 5):
        found.publish([one for at, some in known if at < day for one in some])
        if day == 15:
            assert found.named_share() >= half
    assert found.named_share() >= grown


def test_with_a_k_of_one_everything_is_named():
    found = History(1).publish([one for _, some in orders_of(1, 50) for one in some])
    assert all(set(row["levels"].values()) == {2} for row in found.rows.values())


def month_of(k=3):
    found = History(k)
    credits = [one for _, some in orders_of(2, 80, days=4) for one in some]
    keys = {found._identity(one, i): one for i, one in enumerate(credits)}
    month = found._month(sorted(keys, key=repr), keys, {}, 1)
    month.names = {
        "cell": sorted({(one.channel, one.campaign) for one in credits}),
        **{table: sorted({getattr(one, table) for one in credits}) for table in TABLES[1:]},
    }
    return month


def test_where_refunds_would_give_a_campaign_away_its_refunded_orders_wait_and_it_keeps_its_name():
    sizes = {"seed": 11, "orders": 60, "days": 3, "more": 1, "channels": 2, "campaigns": 2}
    *_, last = versions(**sizes, cancelled=0, erased=0)
    found = History(5).publish(last)
    assert found.proofs[0].hidden_refunds
    levels = {True: {}, False: {}}
    for row in found.rows.values():
        one = row["credit"]
        levels[bool(one.amounts[:, 1].any())].setdefault((one.channel, one.campaign), set()).add(row["levels"]["month"])
    kept = [cell for cell, some in levels[False].items() if some == {OWN} and levels[True].get(cell) == {REST}]
    assert kept
    assert found.named_share() > 0.8


def test_a_campaign_that_comes_out_joins_another_of_its_channel_and_no_revenue_waits_for_it(monkeypatch):
    sizes = {"seed": 9, "orders": 120, "days": 3, "more": 1, "channels": 2, "campaigns": 3, "whale": True}
    *_, last = versions(**sizes, cancelled=0, erased=0, refunds=0)
    found = History(3).publish(last)
    levels = {}
    for row in found.rows.values():
        levels.setdefault(row["credit"].campaign, set()).add(row["levels"]["month"])
    assert found.proofs[0].merged_pairs == 1
    pair = {campaign for campaign, some in levels.items() if some == {CHANNEL}}
    assert pair == {"c0.0", "c0.1"}
    assert all(levels[campaign] == {OWN} for campaign in levels.keys() - pair)
    assert not found_by(found, [0], "last_touch", 0, most=200)
    with monkeypatch.context() as patch:
        patch.setattr(stepping._Repairs, "_merge", lambda *_: False)
        assert History(3).publish(last).named_share() < found.named_share() == 1
    monkeypatch.setattr(stepping, "refuted", lambda *_: [])
    assert found_by(History(3).publish(last), [0], "last_touch", 0, most=200)


def test_a_first_version_whose_proof_takes_too_long_has_the_safe_map():
    month = month_of()
    month.amounts[0] *= 10**6  # somebody who dominates, so that programmes are needed
    late = step(month, 3, seconds=-1)
    if late.proof.is_fallen_back:
        assert all((late.levels[table] == safe_levels(month, 3)[table]).all() for table in TABLES)


def test_the_safe_map_names_cells_of_k_buyers_alone():
    month = month_of()
    levels = safe_levels(month, 3)
    assert levels["month"].any()
    for rows, groups in (
        (levels["month"] == 2, month.campaign), (levels["month"] == 1, month.channel),
        (levels["day"] == 2, month.campaign * 100 + month.columns["day"]),
    ):  # fmt: skip
        counts = month.count(groups, rows)
        assert not ((counts > 0) & (counts < 3)).any()
