"""Damage to Dagster's storage stops nobody: it is set aside, and a new one is made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestration import journal
from orchestration.journal import DAMAGED, damage, set_aside_if_damaged
from settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "warehouse" / "dagster"
    for name in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as con:
            con.execute("create table runs as select 1 as id")
            con.executemany("insert into runs values (?)", [(one,) for one in range(5000)])
            con.commit()
    (made / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return made


def settings(home: Path) -> Settings:
    return Settings(warehouse=home.parent)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def garble(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def hide(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_a_sound_storage_and_none_at_all_are_left_alone(home, tmp_path):
    assert set_aside_if_damaged(settings(home)) is None
    assert damage(settings(home), is_thorough=True) is None
    assert set_aside_if_damaged(Settings(warehouse=tmp_path / "other")) is None
    (home / "history" / "runs.db").write_bytes(b"")
    assert set_aside_if_damaged(settings(home)) is None, "SQLite makes a database of an empty file"


@pytest.mark.parametrize("small", [1 << 30, 0], ids=["looked through", "by its header"])
@pytest.mark.parametrize("spoil", [cut, garble, hide])
@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_a_damaged_database_is_set_aside_and_named(home, monkeypatch, name, spoil, small):
    monkeypatch.setattr(journal, "_SMALL", small)
    spoil(home / name)
    told = set_aside_if_damaged(settings(home))
    assert told is not None
    assert str(home / name) in told
    assert (home / DAMAGED / "history").is_dir()
    assert not (home / "history").exists()
    assert set_aside_if_damaged(settings(home)) is None


def test_a_database_that_cannot_be_looked_at_now_is_not_taken_for_a_damaged_one(home):
    path = home / "history" / "runs.db"
    with closing(sqlite3.connect(path)) as con:
        con.execute("pragma journal_mode = wal")
    path.with_name("runs.db-wal").mkdir()  # as on a full disk, nothing can be made beside it
    with pytest.raises(sqlite3.OperationalError), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as con:
        con.execute("pragma quick_check(1)")
    assert set_aside_if_damaged(settings(home)) is None
    assert path.is_file()


@pytest.mark.parametrize("small", [1 << 30, 0], ids=["looked through", "by its header"])
def test_a_database_whose_newest_pages_stand_in_its_log_is_sound(home, monkeypatch, small):
    monkeypatch.setattr(journal, "_SMALL", small)
    path = home / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(path)) as con:  # open, its log is as a kill leaves it
        con.execute("pragma journal_mode = wal")
        con.execute("pragma wal_autocheckpoint = 0")
        con.executemany("insert into runs values (?)", [(one,) for one in range(5000)])
        con.commit()
        [(pages,)] = con.execute("pragma page_count")
        assert pages * 4096 > path.stat().st_size
        assert set_aside_if_damaged(settings(home)) is None


@pytest.mark.parametrize("text", ["", "{", "- a list"])
def test_a_damaged_configuration_is_made_anew_too(home, text):
    (home / "dagster.yaml").write_text(text)
    assert "dagster.yaml was damaged" in str(set_aside_if_damaged(settings(home)))
    assert not (home / "dagster.yaml").exists()
