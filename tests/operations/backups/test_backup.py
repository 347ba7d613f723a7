"""A backup is what the warehouse was, verified; restored, it is that again, with the books that must not be lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta

import duckdb
import pytest

from ingestion.books import region_file
from operations.backups import backup, restore
from operations.backups.backup_places import known_backups
from operations.removal.rewrite import table_digests
from operations.retention import retention
from operations.store.locks import exclusive
from privacy import storage
from settings import PermanentError, Settings, UsageError, now
from tests.kit.examples import some


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    made = Settings(warehouse=tmp_path / "warehouse", landing=str(tmp_path), regions={"eu": {}})
    with exclusive(made), region_file(made, "eu") as con:
        con.execute("""insert into raw.spend (
                file, line, platform, spend_on, campaign_id, campaign_name, channel, impressions, clicks, spend_minor,
                currency)
            select 'f', i, 'google_ads', '2026-01-01', 'c' || i, null, null, 1, 1, 1, 'EUR' from range(100) t(i)""")
        con.execute("insert into ops.archive_spans values (1, '2026-03-01', '2026-03-02 03:04:05')")
    _publish(made, 1)
    books = made.warehouse / "books" / "eu"
    books.mkdir(parents=True)
    (books / "budget.jsonl").write_text('{"line": 1}\n')
    (made.warehouse / "staging" / "eu").mkdir(parents=True)
    (made.warehouse / "staging" / "eu" / "half.parquet").write_bytes(b"transient")
    (made.warehouse / "dagster" / "log").write_text("a journal")
    return made


def _publish(settings: Settings, version: int) -> None:
    folder = settings.versions_dir / f"{version:06d}"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("create schema finance; create table finance.orders_daily as select 1 as orders")
    (folder / "marts.duckdb").chmod(0o440)
    (folder / "manifest.json").write_text(json.dumps({"built_at": now().replace(tzinfo=None).isoformat()}))
    settings.published.unlink(missing_ok=True)
    settings.published.symlink_to(f"versions/{version:06d}")


def _tables(settings: Settings) -> dict:
    with region_file(settings, "eu", read_only=True) as con:
        return table_digests(con, storage.ALIAS)


def test_a_warehouse_lost_whole_comes_back_as_it_was(settings):
    made = backup.back_up(settings)
    assert made.folder.parent == settings.warehouse.with_name("warehouse.backups")
    assert made.recovery_point == {"eu": "2026-03-02T03:04:05"}
    held = {
        str(path.relative_to(made.folder / "warehouse"))
        for path in (made.folder / "warehouse").rglob("*")
        if path.is_file()
    }
    assert not [name for name in held if name.startswith(("staging", "dagster")) or "keys" in name]
    assert {path.stat().st_mode & 0o077 for path in made.folder.rglob("*.duckdb") if "versions" not in str(path)} == {0}

    before = _tables(settings)
    os.rename(settings.warehouse, settings.warehouse.with_name("lost"))
    restored = restore.restore(settings, made.folder)
    assert restored.files == made.files
    assert _tables(settings) == before
    assert os.readlink(settings.published) == "versions/000001"
    with duckdb.connect(str(settings.published.resolve() / "marts.duckdb"), read_only=True) as con:
        assert con.execute("from finance.orders_daily").fetchall() == [(1,)]
    told = json.loads((settings.warehouse / "restored.json").read_text())
    assert told["recovery_point"] == {"eu": "2026-03-02T03:04:05"}
    assert told["recovery_seconds"] >= 0
    assert known_backups(settings) == {made.folder: made.made_at}


def test_a_restore_over_a_warehouse_asks_for_force_and_loses_no_book(settings, monkeypatch):
    made = backup.back_up(settings)
    book = settings.warehouse / "books" / "eu" / "budget.jsonl"
    book.write_text(book.read_text() + '{"line": 2}\n')
    (book.parent / "requests.jsonl").write_text("{}\n")
    (settings.warehouse / "books" / "disposals.jsonl").write_text('{"item": "000009"}\n')
    before = _tables(settings)
    with region_file(settings, "eu") as con:
        con.execute("delete from raw.spend")
    with pytest.raises(UsageError, match="--force"):
        restore.restore(settings, made.folder)

    seen = []
    monkeypatch.setattr(restore, "_take_out_the_erased", lambda one: seen.append((one.warehouse, _tables(one))) or [])
    restore.restore(settings, made.folder, force=True)
    assert _tables(settings) == before
    assert book.read_text() == '{"line": 1}\n{"line": 2}\n'
    assert (book.parent / "requests.jsonl").read_text() == "{}\n"
    assert [one["item"] for one in retention.book(settings)] == ["000009"]
    assert [(path != settings.warehouse, tables) for path, tables in seen] == [(True, before)]
    assert {path.name for path in settings.warehouse.parent.iterdir()} == {
        "warehouse", "warehouse.backups", "warehouse.keys", "warehouse.keys.lock",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("backed_up", "there", "merged"),
    [("aab", "aabc", "aabc"), ("aabc", "aa", "aabc"), ("aab", "x", "aabx"), ("ab", "aa", "aab")],
    ids=["grown since", "an older copy", "begun anew", "twice in one"],
)
def test_a_book_is_merged_to_begin_as_it_did_with_all_its_lines(settings, backed_up, there, merged):
    book = settings.warehouse / "books" / "incidents.jsonl"
    book.write_text("".join(f"{one}\n" for one in backed_up))
    made = backup.back_up(settings)
    book.write_text("".join(f"{one}\n" for one in there))
    restore.restore(settings, made.folder, force=True)
    assert "".join(book.read_text().split()) == merged


@pytest.mark.parametrize("harm", ["bytes", "missing"])
def test_a_backup_that_is_not_what_it_was_restores_nothing(settings, harm):
    made = backup.back_up(settings)
    path = made.folder / "warehouse" / "regions" / "eu.duckdb"
    if harm == "missing":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    before = _tables(settings)
    with pytest.raises(PermanentError, match="not what was backed up"):
        restore.restore(settings, made.folder, force=True)
    assert _tables(settings) == before


def test_no_backup_in_the_warehouse_and_none_of_something_else(settings, tmp_path):
    with pytest.raises(UsageError, match="lies in the warehouse"):
        backup.back_up(settings, settings.warehouse / "backups")
    with pytest.raises(UsageError, match="no backup"):
        restore.restore(settings, tmp_path, force=True)


@pytest.mark.parametrize("at", some(["_merge_books", "verify", "shutil.rmtree"], fast=1))
def test_a_killed_restore_leaves_a_whole_warehouse_after_the_next(settings, at):
    made = backup.back_up(settings)
    before = _tables(settings)
    code = f"""
import os
from pathlib import Path
from operations.backups import restore
from settings import Settings
real = restore.{at}
restore.{at} = lambda one, *rest, **more: os._exit(9) if "{at}" != "shutil.rmtree" or "replaced" in str(one) else real(one, *rest, **more)
settings = Settings(warehouse=Path({str(settings.warehouse)!r}), regions={{"eu": {{}}}})
restore.restore(settings, Path({str(made.folder)!r}), force=True)
"""  # noqa: E501
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert _tables(settings) == before
    restore.restore(settings, made.folder, force=True)
    assert _tables(settings) == before
    assert {path.name for path in settings.warehouse.parent.iterdir()} == {
        "warehouse", "warehouse.backups", "warehouse.keys", "warehouse.keys.lock",
    }  # fmt: skip


def test_old_backups_and_versions_go_but_never_the_current_or_a_pinned_one(settings, monkeypatch):
    for version in (2, 3, 4):
        _publish(settings, version)
    made = backup.back_up(settings)
    settings.published.unlink()
    settings.published.symlink_to("versions/000002")
    (settings.versions_dir / "pinned.json").write_text('{"version": 3}')
    later = now() + timedelta(days=37)
    monkeypatch.setenv("ROMI_NOW", later.isoformat())
    assert retention.find_overdue(settings, lambda _: {}) == {"published versions": 1, "backups": 1}
    done = retention.apply(settings, lambda _: {})
    assert {one.what: one.count for one in done.disposed} == {"published versions": 1, "backups": 1}
    assert sorted(one.name for one in settings.versions_dir.glob("0*")) == ["000002", "000003", "000004"]
    assert not made.folder.exists()
    assert {one["item"] for one in retention.book(settings)} == {"000001", str(made.folder)}
    assert retention.find_overdue(settings, lambda _: {}) == {}
    assert retention.apply(settings, lambda _: {}).disposed == []
