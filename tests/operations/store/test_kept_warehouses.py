"""Warehouses that earlier releases made go on: brought forward, run, and published as they were.

``kept/make.py`` made each with the release that worked on its format.
"""

import json
import tarfile
from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from ingestion.books import meta, region_file
from operations.backups.backup import back_up
from operations.backups.restore import restore
from operations.store.locks import exclusive, warehouse_format
from operations.store.migrations import on_present_format
from settings import WAREHOUSE_FORMAT, Settings, load_settings
from settings.formats import OLDEST_FORMAT

KEPT = Path(__file__).parent / "kept"
NOW = "2026-04-05T12:00:00Z"
# What tells of versions and of when they were built.
OF_VERSIONS = ("restatements", "slo_daily")
# Learned weights stand still until k buyers are new to a month, as the released orders are not. Rows of cost of one
# file add up, of which the last one alone counted; final days keep what they had.
MOVED_BY_RULE = ("channel_weights", "spend_daily")
# What these tell rests on the names that steps give, and on cost.
OF_STEPS_AND_COST = ("channel_weights", "incremental_romi", "payback_cohorts")
FIRST_THAT_ADDS_UP_COST = 8  # what was read before stands as it was read
LEDGERS = ("month", "region", "revenue", "cogs", "assumed_cogs_share", "days_withheld", "refused_files", "refused_rows")
SMALL_CELLS = ("romi_daily", "romi_monthly", "romi_by_touch_date", "romi_by_segment")


@pytest.fixture(params=sorted(KEPT.glob("format_*.tar.xz")), ids=lambda path: path.name.partition(".")[0])
def kept(request, tmp_path, monkeypatch) -> Settings:
    """A kept warehouse, unpacked."""
    monkeypatch.setenv("ROMI_NOW", NOW)
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    with tarfile.open(request.param) as tar:
        tar.extractall(tmp_path, filter="tar")
    return load_settings(tmp_path / "romi.yaml")


def romi(*arguments):
    from orchestration.cli.main import main

    result = CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)


def release_implausible_orders(*place) -> int:
    """Publish, as a person would decide, what the rule of implausible orders set aside; how many those were."""
    listed = [one for one in romi("quarantine", "list", *place)[1]["set_aside"] if not one["released_at"]]
    for one in listed:
        order = ("--region", one["region"], "--order", one["order_id"])
        assert romi("quarantine", "release", *order, "--reason", "published by an earlier release", *place)[0] == 0
    return len(listed)


def shape(con):
    """Every column, constraint and sequence of what dbt does not build."""
    where = "where database_name = current_database() and schema_name in ('raw', 'ops') order by all"
    return [
        con.execute(f"select {columns} from duckdb_{what}() {where}").fetchall()
        for what, columns in (
            ("columns", "schema_name, table_name, column_index, column_name, data_type, is_nullable, column_default"),
            ("constraints", "schema_name, table_name, constraint_type, constraint_column_names"),
            ("sequences", "schema_name, sequence_name"),
        )
    ]


def published(settings, columns=None):
    """By table of finance: its rows, sorted, of these columns by table or of all; and the columns."""
    with duckdb.connect(str((settings.published / "marts.duckdb").resolve()), read_only=True) as con:
        found = columns or {
            name: names
            for name, names in con.execute("""
                select table_name, list(column_name order by column_index) from duckdb_columns()
                where schema_name = 'finance' group by all order by all""").fetchall()
            if name not in OF_VERSIONS
        }  # fmt: skip
        rows = {
            name: sorted(con.sql(f"from finance.{name}").select(*names).fetchall(), key=repr)
            for name, names in found.items()
        }
    return rows, found


def totals(rows, columns):
    """By period, region and model: revenue, refunds and cogs."""
    period = "month" if "month" in columns else "date"
    found = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        one = dict(zip(columns, row, strict=True))
        for i, measure in enumerate(("revenue", "refunds", "cogs")):
            found[one[period], one["region"], one["attribution_model"]][i] += one[measure]
    return {key: sums for key, sums in found.items() if any(sums)}


def test_oldest_format_that_is_brought_forward_is_kept():
    assert (KEPT / f"format_{OLDEST_FORMAT}.tar.xz").is_file()
    assert all(path.stat().st_size < 1_000_000 for path in KEPT.iterdir())


def test_migrated_file_has_the_shape_of_a_new_one_and_the_rows_that_it_had(kept, tmp_path):
    fresh = kept.model_copy(update={"warehouse": tmp_path / "fresh"})
    with exclusive(fresh), region_file(fresh, "eu") as con:
        expected = shape(con)
    with region_file(kept, "eu", may_migrate=True) as con:
        before = con.execute("select count(*) from raw.events").fetchall()
    with on_present_format(kept) as done:
        assert done.failures == {}
    for region in ("eu", "us"):
        with region_file(kept, region, read_only=True) as con:
            assert shape(con) == expected
            assert meta(con, "format") == str(WAREHOUSE_FORMAT)
    with region_file(kept, "eu", read_only=True) as con:
        assert con.execute("select count(*) from raw.events").fetchall() == before != [(0,)]


def test_backup_of_an_earlier_format_is_restored_and_brought_forward(kept, tmp_path, monkeypatch):
    before = warehouse_format(kept.warehouse)
    rows, _ = published(kept)
    with monkeypatch.context() as earlier:  # as the release that made it would have backed it up
        earlier.setattr("operations.backups.backup.WAREHOUSE_FORMAT", before)
        earlier.setattr("settings.formats.WAREHOUSE_FORMAT", before)
        made = back_up(kept, tmp_path / "backups")
    restore(kept, made.folder, force=True)
    assert warehouse_format(kept.warehouse) == WAREHOUSE_FORMAT
    with region_file(kept, "us", read_only=True) as con:
        assert meta(con, "format") == str(WAREHOUSE_FORMAT)
    assert published(kept)[0] == rows


@pytest.mark.slow
def test_kept_warehouse_runs_on_and_publishes_what_it_published_and_what_a_new_one_does(kept, tmp_path):
    rows_of_cost_add_up = warehouse_format(kept.warehouse) >= FIRST_THAT_ADDS_UP_COST
    before, columns = published(kept)
    assert before["orders_daily"]
    assert before["romi_daily"]

    code, outcome = romi("run")
    assert (code, outcome["failures"]) == (0, [])
    assert release_implausible_orders() == 2  # earlier releases published orders that outweigh the ledger's usual day
    assert romi("run")[0] == 0
    after, now = published(kept)
    assert set(columns) <= set(now)
    was_published, _ = published(kept, columns)
    for name in columns:
        if name in SMALL_CELLS:  # which ones are named has changed; what they add up to has not
            assert totals(was_published[name], columns[name]) == totals(before[name], columns[name])
        elif name not in MOVED_BY_RULE:
            assert was_published[name] == before[name]

    place = ["--warehouse", str(tmp_path / "fresh")]
    assert romi("run", *place)[0] == 0
    assert release_implausible_orders(*place) == 2
    assert romi("run", *place)[0] == 0
    assert romi("dsar", "erase", "--user-id", "u-0", "--region", "eu", "--yes", *place)[0] == 0
    assert romi("run", *place)[0] == 0
    fresh, _ = published(kept.model_copy(update={"warehouse": tmp_path / "fresh"}))
    others = []
    for name in now:
        if name in SMALL_CELLS:  # a new warehouse has taken fewer steps
            assert totals(fresh[name], now[name]) == totals(after[name], now[name])
        elif name == "spend_daily" and rows_of_cost_add_up:
            assert since_not_final(fresh[name]) == since_not_final(after[name]) != []
        elif name == "spend_daily":
            assert was_published[name] == before[name]
        elif name == "data_quality":  # its shares rest on steps that were taken and on cost that stands as it was read
            assert of_columns(LEDGERS, fresh[name], now[name]) == of_columns(LEDGERS, after[name], now[name])
        elif name not in OF_STEPS_AND_COST and fresh[name] != after[name]:
            others.append(name)
    assert others == []


def of_columns(names, rows, columns):
    return [[row[columns.index(name)] for name in names] for row in rows]


def since_not_final(rows):
    """Rows, dated first, of days that are not final at ``NOW``."""
    return [row for row in rows if row[0] >= date(2026, 3, 1)]
