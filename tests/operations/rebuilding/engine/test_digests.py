"""What an edit of the project moves: a comment nothing, a rule what follows from it."""

from __future__ import annotations

import re

import pytest

from operations.rebuilding.engine import Graph, engine_of, manifest
from operations.rebuilding.engine.digests import digests, state
from settings import Settings
from tests.operations.rebuilding.engine import test_project
from tests.operations.rebuilding.engine.test_project import COSTS, edit

copied = test_project.copied
SETTINGS = Settings(regions={"eu": {"timezone": "Europe/Berlin"}, "us": {}})


@pytest.fixture
def before():
    """Of the project as it stands."""
    return _digests()


def _digests(settings: Settings = SETTINGS, region: str = "eu") -> dict[str, str]:
    return digests(settings, region, engine_of(settings).compiled)


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_comments_descriptions_and_names_of_ctes_move_nothing(before, copied):
    known = state(SETTINGS, "eu")
    edit(copied / "macros" / "money.sql", "{% macro", "{#- Edited. -#}\n\n{% macro")
    edit(
        copied / "macros" / "windows.sql",
        "{%- if var('touched_from') %}",
        "{#- Edited. -#}\n{%- if var('touched_from') %}",
    )
    renamed = re.sub(r"\bdaily_costs\b", "costs_by_day", (copied / COSTS).read_text())
    (copied / COSTS).write_text(f"-- edited\n{renamed}")
    edit(copied / COSTS, "ref('int_spend__campaigns')", "ref( 'int_spend__campaigns' )")
    edit(copied / "models" / "intermediate" / "spend" / "_spend.yml", "description: ", "description: Edited. ")
    place = copied / "models" / "intermediate" / "attribution" / "int_attribution__channel_weights.py"
    edit(place, '"""What Markov', '"""Edited. What Markov')
    assert state(SETTINGS, "eu") != known
    assert _changed(before, _digests()) == set()


@pytest.mark.slow  # below a configured rule moves what reads it
def test_a_rule_of_attribution_moves_what_follows_from_it_and_nothing_of_spend(before, copied):
    edit(copied / "macros" / "attribution.sql", "else {{ billionths(middle) }}", "else 2 * {{ billionths(middle) }}")
    edit(
        copied / "macros" / "windows.sql",
        "        {{ from_date() }}\n    {%- endif -%}",
        "        {{ from_date() }} + 1\n    {%- endif -%}",
    )
    changed = _changed(before, _digests())
    # The second stands in a branch that a compilation with books of some age does not show.
    assert changed == {"int_attribution__order_weights", "int_sessions__starts", "int_sessions__touchpoints"}
    moved = Graph.of(manifest()).stored_from({"int_attribution__order_weights"})
    assert {"int_attribution__touch_credits", "romi_daily", "romi_monthly", "experiment_lift"} < moved
    # One table tells all that steps which months and days of touches a build is of, so currencies follow touches, too.
    assert not {name for name in moved if "spend" in name or "sessions" in name or "orders" in name} - {
        "orders_by_currency"
    }


def test_what_is_configured_moves_what_reads_it(before):
    assert "int_sessions__starts" in _changed(before, _digests(region="us"))  # another time zone
    margin = Settings(regions={"eu": {"timezone": "Europe/Berlin", "margin_rate": "0.4"}})
    assert _changed(before, _digests(margin)) == {"int_orders__conversions"}
    shorter = Settings(regions={"eu": {"timezone": "Europe/Berlin"}}, fx={"max_age_days": 3})
    assert _changed(before, _digests(shorter)) == {"int_fx__daily_rates"}
    moved = Graph.of(manifest()).stored_from({"int_fx__daily_rates"})
    assert {"int_orders__conversions", "int_spend__daily_costs", "orders_daily", "spend_daily"} < moved


def test_tables_of_one_window_are_known_as_such():
    """A table that is built whole and says something else in another window holds no more than its window."""
    told = {"from_date": "2026-01-01", "to_date": "2026-01-31"}
    one, other = (engine_of(SETTINGS).compiled(vars) for vars in (told, {**told, "from_date": "2026-01-02"}))
    nodes = {node["name"]: node for node in manifest()["nodes"].values()}
    of_window = {
        name for name in one
        if nodes[name]["config"]["materialized"] in ("table", "view") and one[name][0] != other[name][0]
    }  # fmt: skip
    # A Python model's code is alike in all windows: it says so by where it stands. So is what is to be shown of an
    # experiment, which is of all days: it is for the build that reads it, beside what was shown before.
    alike = {"int_privacy__arms_to_show"} | {name for name, node in nodes.items() if node.get("language") == "python"}
    assert of_window == Graph.of(manifest()).passing - alike
