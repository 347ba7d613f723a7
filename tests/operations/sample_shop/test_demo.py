from datetime import date

import pytest

from operations import status
from operations.progress import Step, listening, report
from operations.sample_shop import demo
from settings import Settings, UsageError


def test_sample_is_made_once_whole_and_used_again(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    settings = Settings(landing=str(tmp_path / "landing"))
    seen = []

    assert demo.prepare(settings, days=2, events=300, progress=seen.append)
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "landing").rglob("*")}
    assert not demo.prepare(settings, days=2, events=300)

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "landing").rglob("*")} == made
    assert seen[-1] >= 300
    assert {path.name for path in (tmp_path / "landing").iterdir()} == {"eu", "us", "jp", "fx", ".sample.json"}


def test_sample_never_goes_where_something_else_stands(tmp_path):
    (tmp_path / "landing" / "eu").mkdir(parents=True)
    with pytest.raises(UsageError, match="not the demo's"):
        demo.prepare(Settings(landing=str(tmp_path / "landing")), days=2, events=300)


def test_interrupted_sample_is_made_anew(tmp_path, monkeypatch):
    settings = Settings(landing=str(tmp_path / "landing"))
    (tmp_path / ".landing.making" / "eu").mkdir(parents=True)
    assert demo.prepare(settings, days=1, events=60)
    assert not (tmp_path / ".landing.making").exists()


def test_pending_windows_of_a_snapshot_are_dates():
    assert status.windows({"pending": [["2026-03-01", "2026-03-04"]]}) == [(date(2026, 3, 1), date(2026, 3, 4))]


def test_progress_reaches_who_listens_and_nobody_else():
    heard = []
    with listening(heard.append):
        report(Step("ingest", 1, 2))
    report(Step("ingest", 2, 2))
    assert heard == [Step("ingest", 1, 2)]
