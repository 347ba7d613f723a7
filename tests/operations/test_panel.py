"""The panel for models of marketing mix has no gap, and is read as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from operations.experiments.panel import Panel, write_panel
from operations.store.locks import exclusive
from settings import UnknownValueError, UsageError
from tests.operations import marts
from tests.operations.marts import DAYS, build, change, publish_now

settings, shop = marts.settings, marts.shop
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def published(shop):
    """Two regions of three days, with cost in two channels, one of which cost something on one day of one region."""
    change(shop, "eu", f"""insert into finance.spend_daily by name
        select date '{DAYS[1]}' as date, 'eu' as region, 'meta_ads' as platform, 'Paid Social' as channel,
            'shoes' as campaign, 7 as spend, 3 as impressions, 1 as clicks""")  # fmt: skip
    publish_now(shop)
    return shop


def test_the_panel_has_every_channel_on_every_day(published, tmp_path):
    made = write_panel(published, tmp_path / "long.csv")
    assert made == Panel(2 * 3 * 2, ["eu", "us"], DAYS[0], DAYS[-1])
    lines = (tmp_path / "long.csv").read_text().splitlines()
    assert lines[0] == "date,region,channel,spend,impressions,outcome"
    assert "2026-01-31,eu,Paid Social,7.00,3,100.00" in lines
    assert "2026-01-30,eu,Paid Social,0.00,0,100.00" in lines
    assert write_panel(published, tmp_path / "wide.csv", is_wide=True, population={"eu": 450}).rows == 2 * 3
    header, first, second, *_ = (tmp_path / "wide.csv").read_text().splitlines()
    assert header == "date,region,population,outcome,Paid_Search_spend,Paid_Search_impressions,Paid_Social_spend," \
        "Paid_Social_impressions"  # fmt: skip
    assert (first, second) == ("2026-01-30,eu,450,100.00,10.00,5,0.00,0", "2026-01-30,us,1,100.00,10.00,5,0.00,0")


def test_it_has_the_days_that_every_region_has_and_a_region_can_be_left_out(published, tmp_path):
    build(published, "us", days=[DAYS[0] - timedelta(days=1), *DAYS])
    publish_now(published)
    made = write_panel(published, tmp_path / "both.csv", is_wide=True)
    assert (made.rows, made.first) == (2 * 3, DAYS[0])
    made = write_panel(published, tmp_path / "one.csv", is_wide=True, only=("us",))
    assert (made.rows, made.regions, made.first) == (4, ["us"], DAYS[0] - timedelta(days=1))
    # A channel that cost nothing in what is left would be a column of nothing, which no model can read.
    assert "Paid_Social" not in (tmp_path / "one.csv").read_text()


def test_regions_without_a_day_in_common_or_without_cost_have_no_panel(settings, tmp_path):
    with exclusive(settings):
        build(settings, "eu")
        build(settings, "us", days=[date(2025, 1, 1)])
        change(settings, "us", "delete from finance.spend_daily")
    publish_now(settings)
    with pytest.raises(UsageError, match="eu, us have no day in common"):
        write_panel(settings, tmp_path / "none.csv")
    with pytest.raises(UsageError, match="no channel has cost of us from 2025-01-01"):
        write_panel(settings, tmp_path / "none.csv", only=("us",))
    assert not (tmp_path / "none.csv").exists()


def test_a_region_that_is_not_there_is_named(published, tmp_path):
    for given in ({"only": ("mars",)}, {"population": {"mars": 1}}):
        with pytest.raises(UnknownValueError, match="known: eu, us"):
            write_panel(published, tmp_path / "panel.csv", **given)


def test_without_a_published_version_there_is_no_panel(settings, tmp_path):
    with pytest.raises(UsageError, match="romi run"):
        write_panel(settings, tmp_path / "panel.csv")


def romi(*arguments: str):
    from orchestration.cli.main import main

    return CliRunner().invoke(main, ["experiment", "panel", *arguments], catch_exceptions=False)


def test_the_command_says_of_which_days_and_regions_it_is(published, tmp_path):
    out = ["--warehouse", str(published.warehouse), "--out", str(tmp_path / "panel.csv")]
    said = json.loads(romi(*out, "--json", "--region", "eu").stdout)
    assert said == {"file": out[-1], "rows": 6, "regions": ["eu"], "first": str(DAYS[0]), "last": str(DAYS[-1])}
    assert romi(*out).stdout == f"{tmp_path}/panel.csv: 12 rows, eu, us from {DAYS[0]} to {DAYS[-1]}\n"
    for wrong in ("eu", "eu=many", "=5", "eu=0"):
        refused = romi(*out, "--wide", "--population", wrong)
        assert (refused.exit_code, "is not REGION=PEOPLE" in refused.stderr) == (2, True)


@pytest.mark.slow
def test_meridian_reads_it_by_the_documented_lines(published, tmp_path):
    if not (python := os.environ.get("ROMI_MERIDIAN")):
        pytest.skip("ROMI_MERIDIAN names no interpreter that has google-meridian")
    made = write_panel(published, tmp_path / "panel.csv", is_wide=True, population={"eu": 450, "us": 340})
    [lines] = re.findall(r"```python\n(import pandas.*?)```", (DOCS / "finance.md").read_text(), re.DOTALL)
    asked = """
import json
print(json.dumps({"regions": data.geo.values.tolist(), "days": data.time.values.tolist(),
    "channels": sorted(data.media_channel.values.tolist()), "outcome": float(data.kpi.sum()),
    "cost": float(data.media_spend.sum()), "views": float(data.media.sum()),
    "people": data.population.values.tolist()}))
"""
    ran = subprocess.run(
        [python, "-c", lines + asked], cwd=tmp_path, capture_output=True, text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2_000:]
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "regions": made.regions, "days": [str(day) for day in DAYS], "channels": ["Paid_Search", "Paid_Social"],
        "outcome": 600, "cost": 67, "views": 33, "people": [450, 340]}  # fmt: skip
