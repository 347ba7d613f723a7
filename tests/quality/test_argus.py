"""An audit of published months by rules that are not ours: those of tau-ARGUS."""

from collections import Counter, defaultdict

import pytest

from tests.quality.argus import is_sensitive_by_dominance, is_sensitive_by_p_percent
from tests.quality.histories import TABLES, History
from tests.quality.histories import shop as orders_of
from tests.quality.shops import MODELS

K = 10


def published(orders, seed, **sizes):
    """The named cells of one version, all tables and models: what each buyer adds to them."""
    credits = [one for _, some in orders_of(seed, orders, days=30, **sizes) for one in some]
    history = History(K).publish(credits)
    cells = defaultdict(Counter)
    for key, (levels, _) in history.published[0].items():
        one = history.credits[key]
        for table in TABLES:
            if levels[table]:
                owner = one.channel if table == "segment" or levels[table] == 1 else one.campaign
                name = "(other)" if table == "segment" and levels[table] == 1 else owner
                for model, amounts in zip(MODELS, one.amounts, strict=True):
                    if amounts.any():
                        cells[table, getattr(one, table, None), name, levels[table], model][one.buyer] += int(
                            amounts[0]
                        )
    return {name: list(some.values()) for name, some in cells.items()}


@pytest.mark.parametrize(("orders", "channels", "campaigns"), [(300, 8, 3), (1000, 8, 4)])
def test_of_usual_orders_no_cell_is_sensitive_by_the_p_percent_rule_and_hardly_any_by_dominance(
    orders, channels, campaigns
):
    cells = published(orders, 3, channels=channels, campaigns=campaigns)
    assert len(cells) > 50
    assert min(map(len, cells.values())) >= K
    assert not [name for name, some in cells.items() if is_sensitive_by_p_percent(some)]
    assert sum(map(is_sensitive_by_dominance, cells.values())) <= len(cells) / 100


def test_the_audit_finds_a_buyer_who_dominates_since_k_buyers_are_no_rule_of_size():
    cells = published(300, 3, channels=8, campaigns=3, whale=True)
    found = [name for name, some in cells.items() if is_sensitive_by_p_percent(some)]
    assert {name[0] for name in found} <= {"month", "day", "touch", "segment"}
    assert found


@pytest.mark.parametrize(("contributions", "p_percent", "dominance"), [
    ([100], True, True), ([100, 50, 9], True, True), ([100, 50, 11], False, True),
    ([30] * 10, False, False), ([], False, False),
])  # fmt: skip
def test_the_rules_are_those_of_the_handbook(contributions, p_percent, dominance):
    assert is_sensitive_by_p_percent(contributions) == p_percent
    assert is_sensitive_by_dominance(contributions) == dominance
