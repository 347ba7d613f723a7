"""What small archives wait from being opened to being committed is booked; floods and first commits are left out."""

import pytest

from ingestion import latency
from ingestion.books import region_file
from tests.ingestion.strategies import page


@pytest.fixture
def waited(zone, monkeypatch):
    """How many waits are booked after loading so many archives of so many records."""
    monkeypatch.setattr(latency, "_warm", set())
    landed = 0

    def load(archives, records=1):
        nonlocal landed
        for _ in range(archives):
            zone.archive(*[page(messageId=f"m{landed + n}") for n in range(records)], start=landed)
            landed += records
        zone.load()
        with region_file(zone.settings, "eu") as con:
            rows = con.execute("select slo, events, bad, value from ops.sli").fetchall()
        assert all(row[:3] == ("ingest_latency_ms", 1, None) and row[3] > 0 for row in rows)
        return len(rows)

    return load


def test_waits_are_those_of_a_warm_worker_and_of_few_small_archives(waited):
    assert waited(1) == 0  # the first commit of the process
    assert waited(2) == 2
    assert waited(11) == 2
    assert waited(1, records=1001) == 2
    assert waited(1, records=1000) == 3
