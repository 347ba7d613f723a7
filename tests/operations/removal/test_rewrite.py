"""A region's file is written anew: the same rows, without the bytes of those that were deleted."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import duckdb
import pytest

from ingestion.books import region_file
from operations.removal import rewrite
from settings import PermanentError, Settings

CANARY = hashlib.sha256(b"17").digest()  # noise, which no compression hides


@pytest.fixture
def settings(tmp_path):
    made = Settings(warehouse=tmp_path / "warehouse", regions={"eu": {}}, privacy={"encryption_at_rest": False})
    with region_file(made, "eu") as con:
        con.execute("select nextval('ops.archive_ids') from range(7)")
        con.execute("insert into ops.meta values ('kept', 'yes')")
        con.execute("""insert into ops.dead_letters
            select 1, i, 'malformed_json', null, '2026-01-01', 1, unhex(sha256(i::varchar)), null
            from range(3000) t(i)""")
        con.execute("create schema finance; create view finance.kept as select value from ops.meta where key = 'kept'")
    with region_file(made, "eu") as con:
        con.execute("delete from ops.dead_letters where record_offset >= 10")
    return made


def _tables(settings):
    with region_file(settings, "eu", read_only=True) as con:
        return rewrite.table_digests(con, con.execute("select current_database()").fetchall()[0][0])


def test_deleted_rows_leave_the_bytes_and_all_else_stays(settings):
    path = settings.region_file("eu")
    assert CANARY in path.read_bytes(), "the control: a delete alone leaves them"
    before = _tables(settings)
    rewrite.rewrite_region_file(settings, "eu")
    assert CANARY not in path.read_bytes()
    assert _tables(settings) == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["eu.duckdb"]
    with region_file(settings, "eu") as con:
        assert con.execute("select value from finance.kept").fetchall() == [("yes",)]
        assert con.execute("select nextval('ops.archive_ids')").fetchall() == [(8,)]
        with pytest.raises(duckdb.ConstraintException):
            con.execute("insert into ops.meta values ('kept', 'again')")


def test_a_copy_that_differs_is_not_swapped_in(settings, monkeypatch):
    path = settings.region_file("eu")
    real, before = rewrite.table_digests, path.read_bytes()
    monkeypatch.setattr(rewrite, "table_digests", lambda con, name: {} if name == "fresh" else real(con, name))
    with pytest.raises(PermanentError, match="differs"):
        rewrite.rewrite_region_file(settings, "eu")
    monkeypatch.undo()
    assert path.read_bytes() == before
    rewrite.rewrite_region_file(settings, "eu")
    assert [one.name for one in path.parent.iterdir()] == ["eu.duckdb"]


@pytest.mark.parametrize("at", ["replace_durably", "os.replace", "table_digests"])
def test_killed_on_the_way_the_file_is_whole_and_again_ends_the_same(settings, at):
    before = _tables(settings)
    code = f"""
import os
from operations.removal import rewrite
from settings import Settings
{at if at.startswith("os.") else f"rewrite.{at}"} = lambda *_: os._exit(9)
given = Settings.model_validate_json({settings.model_dump_json(include={"warehouse", "privacy"})!r})
rewrite.rewrite_region_file(given, "eu")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert _tables(settings) == before
    rewrite.rewrite_region_file(settings, "eu")
    assert _tables(settings) == before
    assert [one.name for one in settings.regions_dir.iterdir()] == ["eu.duckdb"]
