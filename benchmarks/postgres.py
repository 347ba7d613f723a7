"""Delivering a version to PostgreSQL, beside a bare COPY of the same rows into the same, empty tables.

A year of a shop's marts: `--rows` rows of `finance.romi_daily` (default 1,000,000). The variable ROMI_POSTGRES has the
connection string of an empty database.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from datetime import datetime
from pathlib import Path
from statistics import median

import duckdb

from operations.dp_release.released_marts import write_released
from operations.finance_tables.version_tables import create_tables
from operations.publishing.targets import postgres
from operations.publishing.targets.postgres_tables import targets
from operations.store.versions import MANIFEST, show_again, version_dir
from settings import Settings
from settings.durable import write_json

ROUNDS = 3
_ROWS = """
    insert into finance.romi_daily by name select
        date '2026-01-01' + (i % 365)::integer as date, 'eu' as region, 'channel ' || i % 12 as channel,
        'campaign ' || i % 300 as campaign, 'model ' || i % 9 as attribution_model, i % 1000 as spend, i % 77 as clicks,
        i % 500 as revenue, i % 300 as margin, 1.5 as conversions, i / 7 as roas, true as is_final
    from range({rows}) as numbers (i)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)


def main(arguments: argparse.Namespace, folder: Path) -> None:
    settings = Settings(warehouse=folder / "warehouse", publish={"postgres": {}})
    for version in range(1, ROUNDS + 2):
        _write(settings, version, arguments.rows)
    bare, first = [], []
    for version in range(1, ROUNDS + 2):
        show_again(settings, version)
        begun = time.perf_counter()
        postgres.deliver(settings)
        first.append(time.perf_counter() - begun)
        bare.append(_bare(settings, version, folder))
    unit = median(bare)
    print(f"bare COPY of {arguments.rows:,} rows: {unit:.2f} s")
    print(f"the first version: {first[0]:.2f} s = {first[0] / unit:.2f} x")
    print(f"a version over the last: {median(first[1:]):.2f} s = {median(first[1:]) / unit:.2f} x (aim: at most 2)")


def _write(settings: Settings, version: int, rows: int) -> None:
    folder = version_dir(settings, version)
    folder.mkdir(parents=True)
    if version > 1:
        for path in version_dir(settings, 1).iterdir():
            (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / path.name)
        return
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        create_tables(con)
        con.execute(_ROWS.format(rows=rows))
    write_released(folder, settings, version, datetime(2026, 3, 20, 12))
    write_json(folder / MANIFEST, {"version": version, "regions": {}})


def _bare(settings: Settings, version: int, folder: Path) -> float:
    """The same file, copied into a table of the same columns in one transaction."""
    import psycopg

    [target] = [one for one in targets() if one.table.name == "romi_daily"]
    path = folder / "rows.csv"
    with postgres.opened(version_dir(settings, version)) as shown:
        postgres.write_rows(target, shown, str(path))
    with psycopg.connect(os.environ["ROMI_POSTGRES"]) as connection, path.open("rb") as rows:
        connection.execute(f"create table public.bare (like {target.name})")
        connection.commit()
        begun = time.perf_counter()
        postgres.copy_rows(connection, "public.bare", target, rows)
        connection.commit()
        seconds = time.perf_counter() - begun
        connection.execute("drop table public.bare")
    return seconds
