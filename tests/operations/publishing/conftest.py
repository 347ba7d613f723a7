"""A PostgreSQL of Debian's, started for these tests alone; and published versions written by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from operations.dp_release.released_marts import write_released
from operations.finance_tables.published_tables import dictionary
from operations.finance_tables.version_tables import create_tables
from operations.store.versions import MANIFEST, show_again, version_dir
from settings import Settings
from settings.durable import write_json


def _programs() -> Path | None:
    """The folder of the newest server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    there = shutil.which("postgres")
    return found[-1].parent if found else Path(there).parent if there else None


@pytest.fixture(scope="session")
def postgres_server():
    """The address of a server, to which another database's name may be added; root starts it as another user."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="romi-pg-"))
    if as_user:
        shutil.chown(folder, "postgres")
    data, options = folder / "data", f"-k {folder} -c listen_addresses='' -c fsync=off"

    def call(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    try:
        call(str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        call(str(programs / "pg_ctl"), "-D", str(data), "-o", options, "-w", "start")
        try:
            yield f"host={folder} user=postgres"
        finally:
            call(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres_server, request):
    """The address of an empty database."""
    psycopg = pytest.importorskip("psycopg")
    name = f"t{abs(hash(request.node.nodeid))}"
    with psycopg.connect(f"{postgres_server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield f"{postgres_server} dbname={name}"
    with psycopg.connect(f"{postgres_server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def write_version(settings: Settings, number: int, statements: str) -> Path:
    """A version as publishing leaves it, with what the statements fill, shown to readers."""
    folder = version_dir(settings, number)
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        create_tables(con)
        con.executemany("insert into meta.columns values (?, ?, ?, ?, ?, ?)", list(dictionary()))
        con.execute(statements)
    write_released(folder, settings, number, datetime(2026, 3, 20, 12))
    write_json(folder / MANIFEST, {"version": number, "regions": {}})
    show_again(settings, number)
    return folder
