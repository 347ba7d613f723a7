"""GA4's own cases for its default channel group, where they are at hand (ROMI_CASES, or ../shared/cases)."""

import csv
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = Path(os.environ.get("ROMI_CASES", ROOT.parent / "shared" / "cases")) / "ga4_channel_grouping"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}; set ROMI_CASES")


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_channels_are_those_of_ga4(region, dbt):
    cases = [case for case in rows(CASES / "expected.csv") if case["published_row_holds"] == "1"]
    events = [
        region.event(
            "2026-03-01 12:00",
            user=number,
            campaign=tuple(case[key] or None for key in ("source", "medium", "campaign")),
            order=number,
        )
        for number, case in enumerate(cases)
    ]
    region.insert("events", events)
    dbt.build(region, "2026-03-01", "2026-03-01", "--select", "+int_sessions__touchpoints")
    found = region.query("select channel from intermediate.int_sessions__touchpoints order by touch_id")
    assert [channel for (channel,) in found] == [case["expected_channel"] for case in cases]


def test_known_sources_have_the_category_of_ga4():
    ours = {row["source"]: row["category"] for row in rows(ROOT / "dbt_project" / "seeds" / "channel_sources.csv")}
    theirs = {
        row["source"].lower(): row["source_category"].removeprefix("SOURCE_CATEGORY_").lower()
        for row in rows(CASES / "source_categories.csv")
    }
    assert len(theirs) > 800
    assert {source: ours.get(source) for source in theirs} == theirs
