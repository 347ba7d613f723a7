"""A holdout by pseudonym, from the configuration to the mart, with the list that finance hands to the platform."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from tests.end_to_end.conftest import order, page

DOCS = Path(__file__).parents[2] / "docs"
NONE = "privacy: {k_anonymity: 1}\nregions: {eu: {}}\n"
HOLDOUT = (
    NONE
    + """
experiments:
  summer_holdout: {channel: Email, from: 2026-03-10, to: 2026-03-14, assignment: pseudonym, control_share: 0.5}
"""
)
USERS = [f"user-{n}" for n in range(120)]


@pytest.fixture
def shop_with_users(shop):
    shop.configure(HOLDOUT)
    shop.archive("eu", 0, [
        *[page(f"m{n}", "2026-03-05T10:00:00Z", userId=user) for n, user in enumerate(USERS)],
        *[order(f"o{n}", "2026-03-11T10:00:00Z", f"order-{n}", "20.00") | {"userId": user}
          for n, user in enumerate(USERS) if n % 3 == 0],
        order("last", "2026-03-16T10:00:00Z", "order-last", "1.00", "a-late"),
    ])  # fmt: skip
    return shop


@pytest.mark.slow  # tests/dbt/test_experiments.py holds draw and figures
def test_a_holdout_by_pseudonym_reaches_its_mart_and_the_documented_query_lists_who_is_held_out(shop_with_users):
    shop = shop_with_users
    assert shop.romi("run")[0] == 0
    [query] = re.findall(r"```sql\n(-- Who is held out.*?)```", (DOCS / "finance.md").read_text(), re.DOTALL)
    with shop.region("eu") as con:
        [(*found, control_units, treated_units)] = con.execute("""
            select experiment, region, reason, lift is not null, attribution_model, control_units, treated_units
            from finance.experiment_lift""").fetchall()
        listed = {one for (one,) in con.execute(query.replace("0.1", "0.5")).fetchall()}
    assert found == ["summer_holdout", "eu", None, True, "linear"]
    assert control_units + treated_units == len(USERS)
    assert len(listed) == control_units > 0
    # What the shop computes of its own customers' ids is what stands there.
    key = region_key(shop.warehouse, "eu", "pseudonym", make=False)
    assert listed < {pseudonym(key, "user", user) for user in USERS}


@pytest.mark.slow
def test_a_result_stands_when_the_events_behind_it_are_disposed_of(shop_with_users):
    shop = shop_with_users
    assert shop.romi("run")[0] == 0
    before = shop.query("from finance.experiment_lift")
    shop.configure(HOLDOUT + "retention: {raw_days: 10}\nattribution: {lookback_days: 29}\n")
    code, done = shop.romi("retention", "apply")
    assert (code, {one["what"]: one["count"] for one in done["disposed"]}) == (0, {"raw events": len(USERS)})
    code, run = shop.romi("run")
    assert (code, run["rebuilt_days"] > 0) == (0, True)
    assert shop.query("from finance.experiment_lift") == before
