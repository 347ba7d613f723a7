"""dbt on DuckDB, in this process: one parse for all regions, then a build for each region and window of days."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from logging import WARNING
from pathlib import Path
from typing import Any

import duckdb

from ingestion.books import region_file
from operations import run_log
from operations.rebuilding.engine import kept_builds, project
from operations.rebuilding.engine.built import Built, Event, Hearing
from operations.rebuilding.engine.graph import Graph
from operations.rebuilding.engine.invoking import invoke
from operations.rebuilding.engine.recording import recording
from operations.rebuilding.engine.replaying import ReplayError, replay
from operations.rebuilding.engine.variables import variables
from settings import Settings

_RUN_ID = "DBT_ENV_CUSTOM_ENV_ROMI_RUN_ID"  # what dbt puts into `extra` of each of its events
REGION_FILE = "ROMI_REGION_FILE"  # the file that dbt's plugin attaches; see region_plugin
_HOOK = "\n/* hook */\n"


class OnDuckDB:
    """The models in each region's own file; see :class:`operations.rebuilding.engine.Engine`."""

    def build(
        self,
        settings: Settings,
        region: str,
        first: date,
        last: date,
        chosen: list[str] | None = None,
        on_event: Callable[[Event], None] = lambda _: None,
    ) -> Built:
        select = ["--select", *sorted(Graph.of(project.manifest()).to_build(chosen))] if chosen else []
        command = ["build", "--exclude-resource-type", "unit_test", *select]
        return self._built(settings, region, variables(settings, region, first, last), command, on_event)

    def _built(
        self, settings: Settings, region: str, told: dict[str, Any], command: list[str],
        on_event: Callable[[Event], None],
    ) -> Built:  # fmt: skip
        """What dbt does of a command in the region's file, or did of such a one before."""
        path = settings.region_file(region)
        with region_file(settings, region, read_only=True) as con:
            name = kept_builds.name_of(con, told, command)
        if known := kept_builds.find(name):
            hearing = Hearing({*known.failing}, on_event)
            # What fails is built by dbt from the beginning, as after a kill: it says which model, and why.
            try:
                with _environment(path):
                    replay(known, hearing, kept_builds.printed_of(told))
                return hearing.built
            except ReplayError:
                run_log.tell("dbt", "the recorded build failed, so dbt makes it", region=region, level=WARNING)
        fresh = project.parsed()
        failing = _made_warnings(fresh)
        with recording() as made:
            hearing = Hearing(failing, made.noting(on_event))
            _invoke(region, path, settings.dbt_dir, fresh, told, command, hearing)
        made.failing, made.printed = sorted(failing), kept_builds.printed_of(told)
        kept_builds.keep(name, made)
        return hearing.built

    def compiled(self, told: dict[str, Any]) -> dict[str, list[str]]:
        fresh = project.parsed()
        models = [node for node in fresh.nodes.values() if node.resource_type == "model"]
        for node in models:
            hooks = [hook.sql for hook in (*node.config.pre_hook, *node.config.post_hook)]
            if node.language == "sql":
                # dbt compiles no hook by itself. No semicolon: dbt drops what comes after one.
                node.raw_code = _HOOK.join([node.raw_code, *hooks])
        command = ["compile", "--select", "resource_type:model", "--exclude", "resource_type:test"]
        # Where a model does not compile, dbt's other threads still write there: what it says goes first.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "compiled.duckdb"
            with duckdb.connect(str(path)) as con:
                for node in models:
                    if node.database == "region" and _is_built(node):
                        con.execute(f"create schema if not exists {node.schema}")
                        con.execute(f"create table {node.schema}.{node.name} as select 1 as nothing")
            result = _invoke("compile", path, Path(folder) / "target", fresh, told, command)
        found = [one.node for one in result.results if one.node.language == "sql"]
        return {node.name: node.compiled_code.split(_HOOK) for node in found if _is_built(node)}

    def shapes(self) -> dict[str, dict[str, str]]:
        return {table: made["columns"] for table, made in self.tables().items()}

    def tables(self) -> dict[str, dict[str, Any]]:
        """Of each table that the models make: its `schema`, its `columns` with their types, the `sql` that makes it."""
        found: dict[str, dict[str, Any]] = json.loads(project.kept("tables.json", lambda: json.dumps(_made()).encode()))
        return found


def _made() -> dict[str, dict[str, Any]]:
    """The tables that the models make of nothing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = Settings(warehouse=Path(folder), privacy={"encryption_at_rest": False}, regions={"shapes": {}})
        with region_file(settings, "shapes"):
            pass
        told = variables(settings, "shapes", date(2026, 1, 1), date(2026, 1, 1))
        command = ["build", "--exclude-resource-types", "unit_test", "test"]
        _invoke("any region", settings.region_file("shapes"), settings.dbt_dir, project.parsed(), told, command)
        with region_file(settings, "shapes", read_only=True) as con:
            columns = con.execute("select table_name, column_name, data_type from duckdb_columns() where schema_name"
                                  " in ('staging', 'intermediate', 'finance') order by all").fetchall()  # fmt: skip
            tables = con.execute("select table_name, schema_name, sql from duckdb_tables() where schema_name"
                                 " in ('staging', 'intermediate', 'finance')").fetchall()  # fmt: skip
    found: dict[str, dict[str, Any]] = {
        table: {"schema": schema, "sql": sql, "columns": {}} for table, schema, sql in tables
    }
    for table, column, kind in columns:
        found[table]["columns"][column] = kind
    return found


def _is_built(node: Any) -> bool:
    return bool(node.config.materialized != "ephemeral")


def _invoke(
    region: str, path: Path, target: Path, manifest: Any, told: dict[str, Any], command: list[str],
    hearing: Hearing | None = None,
) -> Any:  # fmt: skip
    """dbt's result of a command in which nothing failed; `path` is the file that is attached as the region's."""
    with _environment(path):
        try:
            return invoke(region, target, manifest, told, command, hearing)
        finally:
            _release()


def _made_warnings(manifest: Any) -> set[str]:
    """Have the manifest's tests warn, as dbt skips all that is below a test that fails; returns those that did not."""
    tests = {name: node for name, node in manifest.nodes.items() if node.resource_type == "test"}
    failing = {name for name, node in tests.items() if node.config.severity.upper() == "ERROR"}
    for name in failing:
        tests[name].config.severity = "warn"
    return failing


def _release() -> None:
    """dbt-duckdb keeps the last database open in its class, and with it the region's file (a test names it)."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()


@contextmanager
def _environment(path: Path) -> Iterator[None]:
    """dbt's plugin takes the file to attach from the environment, and its events the id of the run."""
    from dbt_common.events.functions import reset_metadata_vars

    told = {REGION_FILE: str(path.absolute()), _RUN_ID: run_log.run_id() or ""}
    os.environ.update(told)
    reset_metadata_vars()  # dbt reads them once a process, which may see several runs
    try:
        yield
    finally:
        for name in told:
            del os.environ[name]
