"""What is wrong with the input is a finding, and of one root cause wherever it strikes."""

from __future__ import annotations

from datetime import timedelta

from operations.incidents.findings import Kind
from operations.recovery.alerts import of_input
from settings import Settings, now

STEADY = {"weeks": 8, "days": 7, "by_hour": [100] * 168}


def snapshot(region: str, silent: timedelta = timedelta(0), **backlog) -> dict:
    measured = {"last_arrival": (now() - silent).isoformat(), "archives": 0, "topics": {}, **backlog}
    return {"region": region, "backlog": measured, "usual_arrivals": STEADY}


def test_a_queue_that_stopped_makes_all_its_regions_late_of_one_root_cause():
    found = [one for region in ("eu", "us", "jp") for one in of_input(Settings(), snapshot(region, timedelta(hours=9)))]
    assert [one.kind for one in found] == [Kind.LATE_REGION] * 3
    assert len({one.root for one in found}) == 1


def test_what_the_replica_serves_for_is_one_finding_that_counts_why():
    served = [
        {"name": "a", "why": "missing"},
        {"name": "b", "why": "corrupt: gzip: no"},
        {"name": "c", "why": "missing"},
    ]
    [one] = of_input(Settings(), snapshot("eu", failovers=served))
    assert (one.kind, one.things) == (Kind.FAILOVER, ("a", "b", "c"))
    assert one.evidence == "1 corrupt, 2 missing, such as a"


def test_an_archive_that_waits_for_longer_than_marts_may_be_old_is_a_deep_backlog(tmp_path):
    web = {"archives": 3, "records": 9, "oldest_age_seconds": 3 * 86_400}
    [one] = of_input(Settings(warehouse=tmp_path), snapshot("eu", archives=3, topics={"web": web}))
    assert (one.kind, one.region, one.topic) == (Kind.BACKLOG, "eu", "web")
    assert "romi recover" in one.mend


def test_of_a_region_whose_input_is_as_usual_nothing_is_found():
    assert list(of_input(Settings(), snapshot("eu"))) == []
    assert list(of_input(Settings(), {"region": "eu", "backlog": {"archives": 0}})) == []  # of an earlier release
