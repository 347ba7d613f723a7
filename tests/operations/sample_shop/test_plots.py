"""The demo's shop tells a story, whatever day it is made on; other shops tell none."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from operations.sample_shop import Story, write_landing
from operations.sample_shop.plots import CLUB, TIRED

UNTIL = date(2026, 3, 5)


@pytest.mark.parametrize("until", [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2028, 2, 29)])
def test_a_story_has_two_full_months_before_its_last_day_and_begins_with_the_first(until):
    story = Story(until)
    months = [story.first, story.second, (story.second + timedelta(31)).replace(day=1)]
    assert [month.day for month in months] == [1, 1, 1]
    assert all((one + timedelta(31)).replace(day=1) == other for one, other in pairwise(months))
    assert until >= months[2] - timedelta(1)
    assert until - timedelta(story.days - 1) == story.first


def test_one_campaign_tires_and_others_do_not():
    story = Story(UNTIL)
    [tired] = [one for one in story.campaigns if one.id == TIRED]
    [brand] = [one for one in story.campaigns if one.name == "Brand"]
    early, late = story.first, UNTIL
    assert story.pull(TIRED, early) > 2 * story.pull(TIRED, late)
    assert story.click_cost(tired, early) < story.click_cost(tired, late)
    assert story.pull(brand.id, early) == story.pull(brand.id, late)


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    root = tmp_path_factory.mktemp("story")
    return root, write_landing(root, until=UNTIL, days=Story(UNTIL).days, events=12_000, dirt=0, plot=Story(UNTIL))


def cost_days(root, region, campaign):
    files = (root / region / "spend" / "newsletter").glob("*.csv")
    return {line.split(",")[0] for path in files for line in path.read_text().splitlines() if f",{campaign}," in line}


def test_a_promotion_is_held_for_a_week_and_costs_nothing_on_other_days(landing):
    days = sorted(map(date.fromisoformat, cost_days(landing[0], "eu", CLUB)))
    assert days == [Story(UNTIL).second + timedelta(9 + n) for n in range(7)]


def test_a_market_opens_with_the_second_month(landing):
    root, summary = landing
    days = {path.parts[-4:-1] for path in (root / "jp" / "events").rglob("*.json*")}
    assert min(days) == ("year=2026", "month=02", "day=01")
    assert summary.records == 12_000
    assert summary.regions["eu"].orders > 20
