"""After a run the region's file is free for others."""

import subprocess
import sys

MODELS = ("orders_daily",)


def test_another_process_can_write_after_a_run(region, dbt):
    dbt.build(region, "2026-03-01", "2026-03-01")
    program = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table free (x integer)')"
    subprocess.run([sys.executable, "-c", program, str(region.path)], check=True, capture_output=True, timeout=60)
    assert region.query("select count(*) from free") == [(0,)]


def test_the_file_stands_alone(region, dbt):
    """Nothing in it depends on the alias under which dbt attached it."""
    dbt.build(region, "2026-03-01", "2026-03-01")
    for schema, table in region.query("select table_schema, table_name from information_schema.tables"):
        region.query(f"select * from {schema}.{table} limit 1")
