"""A region's file at rest: what stands in it is not in its bytes, and it opens with its key alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ingestion.books import region_file
from operations.removal.rewrite import keep_as_configured, table_digests
from privacy import storage
from privacy.keys import key_file
from settings import Settings, UsageError

TEXTS = [f"canary-{number:04d}-{number * 7919 % 10007:05d}" for number in range(500)]


def made(folder: Path, *, is_on: bool | None = True) -> Settings:
    settings = Settings(warehouse=folder / "warehouse", regions={"eu": {}}, privacy={"encryption_at_rest": is_on})
    with region_file(settings, "eu") as con:
        con.execute("insert into ops.meta select unnest($texts), 'kept'", {"texts": TEXTS})
    return settings


def tables(settings: Settings) -> dict:
    with region_file(settings, "eu", read_only=True) as con:
        return table_digests(con, storage.ALIAS)


def holds_text(settings: Settings) -> bool:
    return any(b"canary" in path.read_bytes() for path in settings.warehouse.rglob("*") if path.is_file())


def test_by_default_a_file_is_encrypted_and_its_key_stands_elsewhere(tmp_path):
    plain = made(tmp_path / "plain", is_on=False)
    assert holds_text(plain), "the control"
    settings = made(tmp_path / "sealed", is_on=None)
    assert storage.is_encrypted(settings.region_file("eu"))
    assert not holds_text(settings)
    assert tables(settings) == tables(plain)
    key = key_file(settings.warehouse).read_text().split('"storage": "')[1][:64]
    contents = [path.read_bytes() for path in settings.warehouse.rglob("*") if path.is_file()]
    assert not any(form in content for form in (key.encode(), bytes.fromhex(key)) for content in contents)
    assert key_file(settings.warehouse).stat().st_mode & 0o777 == 0o600


def test_a_file_has_the_newest_format_encrypted_or_not(tmp_path):
    newest = f"v{duckdb.__version__.rpartition('.')[0]}.0+"
    for is_on in (True, False):
        with region_file(made(tmp_path / str(is_on), is_on=is_on), "eu") as con:
            found = con.execute("select tags.storage_version from duckdb_databases() where database_name = 'region'")
            assert found.fetchall() == [(newest,)]


def test_row_groups_are_small_so_that_all_threads_have_some(tmp_path):
    settings = made(tmp_path)
    with region_file(settings, "eu") as con:
        con.execute("create table many as from range(100_000)")
    with region_file(settings, "eu", read_only=True) as con:
        [(largest,)] = con.execute("select max(count) from pragma_storage_info('many')").fetchall()
    assert 0 < largest <= 20_480


def test_the_log_of_a_writer_that_is_still_at_it_holds_no_text(tmp_path):
    settings = made(tmp_path)
    with region_file(settings, "eu") as con:
        con.execute("insert into ops.meta values ('canary-in-the-log', 'canary')")
        assert (settings.regions_dir / "eu.duckdb.wal").stat().st_size
        assert not holds_text(settings)


def test_what_a_query_spills_lies_beside_the_file_and_holds_no_text(tmp_path):
    settings = made(tmp_path)
    spill = settings.regions_dir / "eu.duckdb.tmp"
    with region_file(settings, "eu") as con:
        con.execute("set memory_limit = '60MB'; set threads = 1")
        try:
            query = "select 'canary-' || i as text, i from range(1500000) t(i) order by hash(i)"
            rows = con.execute(query)
            rows.fetchmany(10)
            contents = [path.read_bytes() for path in spill.iterdir()]
        finally:
            con.execute("reset memory_limit; reset threads")
    assert sum(map(len, contents)) > 1_000_000
    assert not any(b"canary" in one for one in contents)


@pytest.mark.parametrize(("key", "says"), [(None, "no storage key of region eu"), ("00" * 32, "does not open with")])
def test_without_its_key_a_file_says_so_in_a_line(tmp_path, monkeypatch, key, says):
    settings = made(tmp_path)
    if key is None:
        key_file(settings.warehouse).unlink()
    else:
        monkeypatch.setenv("ROMI_KEY_EU_STORAGE", key)
    for read_only in (True, False):
        with pytest.raises(UsageError, match=says) as error, region_file(settings, "eu", read_only=read_only):
            pass
        assert "\n" not in str(error.value)


def test_a_person_can_open_it_with_the_digits_of_the_key_file(tmp_path):
    settings = made(tmp_path)
    key = key_file(settings.warehouse).read_text().split('"storage": "')[1][:64]
    with duckdb.connect() as con:
        con.execute(f"attach '{settings.region_file('eu')}' as region (read_only, encryption_key '{key}')")
        assert con.execute("select count(*) from region.ops.meta where value = 'kept'").fetchall() == [(500,)]


@pytest.mark.parametrize("first", [False, True])
def test_a_file_is_written_anew_when_the_configuration_changes(tmp_path, first):
    settings = made(tmp_path, is_on=first)
    before = tables(settings)
    other = settings.model_copy(
        update={"privacy": settings.privacy.model_copy(update={"encryption_at_rest": not first})}
    )
    assert [keep_as_configured(other, "eu") for _ in range(2)] == [True, False]
    assert storage.is_encrypted(other.region_file("eu")) is not first
    assert holds_text(other) is first
    assert tables(other) == before


def test_without_the_extension_it_is_off_and_to_ask_for_it_is_an_error(tmp_path, monkeypatch):
    sealed = made(tmp_path / "sealed")
    monkeypatch.setattr(storage, "extension", lambda: None)
    for instance in list(storage._idle):
        storage._idle.pop(instance).close()
    assert not storage.is_encrypted(made(tmp_path / "plain", is_on=None).region_file("eu"))
    with pytest.raises(UsageError, match=r"install duckdb-extension-httpfs==\d"):
        made(tmp_path / "asked")
    assert tables(sealed), "it can be read all the same"
    with pytest.raises(UsageError, match="to write it, install"), region_file(sealed, "eu"):
        pass


def test_what_is_kept_between_two_openings_holds_nothing(tmp_path):
    settings = made(tmp_path)
    other = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    subprocess.run([sys.executable, "-c", other, str(settings.region_file("eu"))], check=True)
    assert [path.name for path in settings.regions_dir.iterdir()] == ["eu.duckdb"]
    os.replace(made(tmp_path / "other", is_on=False).region_file("eu"), settings.region_file("eu"))
    with region_file(settings, "eu") as con:
        con.execute("delete from ops.meta where value = 'kept'")
        assert con.execute("select encrypted from duckdb_databases() where database_name = 'region'").fetchall() == [
            (False,)
        ]


def test_the_memory_that_one_user_is_held_to_is_not_the_next_one_s(tmp_path):
    settings = Settings(warehouse=tmp_path, regions={"eu": {}})
    much = "select length(string_agg(repeat('x', 1000), '')) from range(150_000)"
    with region_file(settings, "eu") as con:
        con.execute("set memory_limit = '100MB'")
        with pytest.raises(duckdb.OutOfMemoryException):
            con.execute(much)
    with region_file(settings, "eu") as con:
        assert con.execute(much).fetchall() == [(150_000_000,)]


def test_processes_that_share_the_memory_take_their_part_of_it_each(tmp_path):
    settings, limits = made(tmp_path), []
    try:
        for processes in (1, 4):
            storage.share_memory(processes)
            for _ in range(2):  # made, and taken up again
                path = settings.regions_dir / f"of {processes}.duckdb"
                with storage.opened(path, settings, "eu") as con:
                    limits += con.execute("select value from duckdb_settings() where name = 'memory_limit'").fetchone()
    finally:
        storage.share_memory(1)
    whole, again, part, part_again = (float(limit.split()[0]) for limit in limits)
    assert (again, part_again) == pytest.approx((whole, part), abs=0.15)  # as DuckDB rounds it
    assert part == pytest.approx(whole / 4, abs=0.15)
