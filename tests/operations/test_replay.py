"""Replayed dead letters: rebuilding what the plan names gives the same as building from nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ingestion.books import region_file
from ingestion.dead_letters import Which
from operations.dead_letters import replay_regions
from operations.rebuilding import finality, plan
from operations.store.locks import exclusive
from settings import Settings
from tests.operations.rebuilding.test_plan import Traffic, _build, _deliver, _tables


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 12))
def test_tables_after_replays_equal_those_of_a_build_without_the_mistake(tmp_path, monkeypatch, seed):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    monkeypatch.setattr(finality, "FINAL_AFTER", timedelta(days=365))  # what is final is not rebuilt
    common = {"landing": str(tmp_path / "landing"), "privacy": {"k_anonymity": 1},
              "regions": {"eu": {"timezone": "Europe/Berlin"}}}  # fmt: skip
    right = Settings(warehouse=tmp_path / "mended", **common)
    wrong = Settings(warehouse=tmp_path / "mended", topics={"web": {"format": "snowplow"}}, **common)
    at_once = Settings(warehouse=tmp_path / "at_once", **common)
    with exclusive(right):
        pass
    traffic = Traffic(seed)
    for number in range(2):
        _deliver(tmp_path / "landing", number, traffic, records=10 if number else 120)
        _build(wrong if number else right)
        for offset in traffic.rng.sample(range(10), 3) if number else []:
            replay_regions(right, "eu", Which(archive_id=_newest(right), record_offset=offset))
        _build(wrong)  # what is replayed in part is rebuilt in part
        assert not replay_regions(right, None, Which()).failures
    assert _pending(right)
    _build(right)
    _build(at_once)

    mended, whole = _tables(right), _tables(at_once)
    for name in whole:
        assert mended[name] == whole[name], name


def test_few_replayed_records_leave_few_days_pending(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    settings = Settings(warehouse=tmp_path / "warehouse", landing=str(tmp_path / "landing"))
    with exclusive(settings):
        pass
    traffic = Traffic(7)
    _deliver(tmp_path / "landing", 0, traffic, records=200)
    _build(settings)
    archive = tmp_path / "landing/eu/events/topics/web/partition=0/web+0+0000009000.json"
    archive.write_text(
        '{"messageId": "p", "type": "page", "anonymousId": "new", "timestamp": "2026-02-02T10:00:00Z",'
        ' "context": {"consent": {"categoryPreferences": {"Analytics": true}}}}\n' + "{\n" * 50
    )
    _build(settings.model_copy(update={"topics": Settings(topics={"web": {"format": "snowplow"}}).topics}))
    assert _pending(settings) == []

    outcome = replay_regions(settings, None, Which())

    assert (outcome.regions["eu"].fates, outcome.regions["eu"].dead_letter) == ({"loaded": 1}, {"malformed_json": 50})
    # The day itself; with it the month that shares its cells, and the later one that learns from it.
    with region_file(settings, "eu", read_only=True) as con:
        pending = con.execute("select day, reason from ops.pending_days order by day").fetchall()
    assert outcome.pending_days == {"eu": len(pending)}
    assert [day for day, reason in pending if reason == "behaviour"] == [date(2026, 2, 2)]
    assert min(day for day, _ in pending) >= date(2026, 2, 1)


def _newest(settings: Settings) -> int:
    with region_file(settings, "eu", read_only=True) as con:
        return con.execute("select max(archive_id) from ops.archives where kind = 'events'").fetchall()[0][0]


def _pending(settings: Settings) -> list:
    with region_file(settings, "eu", read_only=True) as con:
        return plan.windows(con)
