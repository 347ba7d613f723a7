"""Where touches find their campaign, against rules written down once more in Python."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from urllib.parse import quote, unquote

START = date(2026, 3, 1)
PLATFORMS = {"google": "google_ads", "fb": "meta_ads", "bing": "microsoft_ads", "dsp": "dsp_ads"}
FOLDERS = ["google_ads", "meta_ads", "dsp_ads"]
NAMES = ["brand", "Spring Sale", "shoes", "old", "101", "Ärger 50%"]
SOURCES = ["google", "Google", "fb", "bing", "dsp", "dsp_ads", "flyer"]


def keys(value):
    if value is None:
        return set()
    again = unquote(value)
    return {value.lower()} | ({again.lower()} if again != value else set())


def resolve(touch, campaigns):
    """(platform, id) of the campaign, or None. `campaigns`: (platform, id) → [(day, name)], by day."""
    _, source, campaign_id, name, day = touch
    named = {**PLATFORMS, **{one: one for one in FOLDERS}}.get(source.lower())
    latest = {one: history[-1][1].lower() for one, history in campaigns.items()}
    former = {one: {called.lower() for _, called in history} - {latest[one]} for one, history in campaigns.items()}
    steps = [
        [one for one in campaigns if one[1] in keys(campaign_id)],
        [one for one in campaigns if one[1] in keys(name)],
        [one for one in campaigns if latest[one] in keys(name)],
        [one for one in campaigns if former[one] & keys(name)],
    ]
    for number, found in enumerate(steps):
        fitting = [one for one in found if named in (None, one[0])]
        if not fitting:
            continue
        if len({platform for platform, _ in fitting}) > 1:
            return None
        if number < 3:
            return min(fitting)
        since = {one: min(on for on, called in campaigns[one] if called.lower() in keys(name)) for one in fitting}
        before = [one for one in fitting if since[one] <= day]
        last = max(since[one] for one in before or fitting)
        return min(one for one in before or fitting if since[one] == last)
    return None


def spelt(value, values):
    """The name of a campaign without cost: of its spellings one that is not encoded, in lower case if there is one."""
    key = max(keys(value) - {value.lower()}, default=value.lower())
    return max((one for one in values if key in keys(one)), key=lambda one: (keys(one) == {key}, one))


def test_touches_find_the_campaigns_that_the_rules_name(region, dbt):
    rng = random.Random(19)
    campaigns = {}
    for number in range(12):
        one = (rng.choice(FOLDERS), str(100 + number % 9))
        days = sorted(rng.sample(range(20), rng.randint(1, 3)))
        campaigns.setdefault(one, [(START + timedelta(day), rng.choice(NAMES)) for day in days])
    touches = []
    for number in range(300):
        name = rng.choice([*NAMES, *map(str.upper, NAMES), *map(quote, NAMES), "100", "103", "none", None])
        campaign_id = rng.choice([None, None, "100", "105", "999"])
        touches.append((number, rng.choice(SOURCES), campaign_id, name, START + timedelta(rng.randrange(20))))
    region.insert("spend", [
        region.cost(day, one[1], 100, platform=one[0], name=name)
        for one, history in campaigns.items() for day, name in history
    ])  # fmt: skip
    region.insert("events", [
        region.event(datetime.combine(day, datetime.min.time()) + timedelta(hours=12), user=f"u{number}",
                     campaign=(source, "cpc", name, campaign_id))
        for number, source, campaign_id, name, day in touches
    ])  # fmt: skip
    dbt.build(region, START, START + timedelta(20), "--select", "+int_sessions__touchpoints")

    found = region.query("""
        select campaign, source, campaign_id, touched_on, touch_id from intermediate.int_sessions__touchpoints
        order by touch_id""")
    assert len(found) == len(touches)
    expected, said = [], {touch[3] or touch[2] or "(none)" for touch in touches}
    for touch in touches:
        one = resolve(touch, campaigns)
        expected.append(campaigns[one][-1][1] if one else spelt(touch[3] or touch[2] or "(none)", said))
    assert [row[0] for row in found] == expected
    assert 60 < sum(resolve(touch, campaigns) is not None for touch in touches) < 240
