"""A month in which nothing goes wrong opens no incident and tells nobody anything."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from tests.drills.outage.source import REGIONS, Source
from tests.end_to_end import conftest

pytestmark = pytest.mark.slow
shop = conftest.shop
FIRST, LAST, BEFORE = date(2026, 2, 18), date(2026, 3, 19), 14  # a month, and days of which the warehouse knows already
CONFIG = """
regions:
  eu: {timezone: Europe/Berlin, consent_default: denied, margin_rate: "0.45"}
  us: {timezone: America/New_York, consent_default: granted}
incidents: {roles: [{role: on_call, address: ops}]}
"""


def test_a_clean_month_of_nightly_runs_opens_no_incident(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{tmp_path / 'notices'}")
    shop.configure(CONFIG)
    days = (LAST - FIRST).days + 1
    source = Source(tmp_path / "source", LAST, random.Random(3), days=days + BEFORE, events=12_000, dirt=0)
    for region in REGIONS:
        source.land(shop, source.archives(region, FIRST - timedelta(days=BEFORE), FIRST - timedelta(days=1)))
    said = {}
    for day in (FIRST + timedelta(days=n) for n in range(days)):
        for region in REGIONS:
            source.land(shop, source.archives(region, day, day))
        source.tables(shop, day)
        monkeypatch.setenv("ROMI_NOW", f"{day + timedelta(days=1)}T12:00:00Z")
        code, outcome = shop.romi("run")
        said[day] = (code, outcome["failures"], outcome["incidents"], outcome["withheld"])
    assert [f"{day}: {one}" for day, one in said.items() if one != (0, [], [], {})] == []
    assert shop.romi("incidents", "list", "--all")[1]["incidents"] == []
    assert not (tmp_path / "notices").exists()
