"""dbt on Spark: the same models, built from copies of a region's tables, handed over to its file whole or not at all.

The region's file keeps all state: records, books, and the tables that the models make. A build reads what it needs of
it, works on copies in a folder of its own, which no one else reads, and puts the tables that it made in the place of
the file's in one transaction. So a build that fails or is killed changes nothing, a warehouse may change its engine
between two runs, and what erases or disposes of rows has one place to do it. dbt's seeds and tests run
on DuckDB, the tests on what was handed over.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ingestion.books import region_file, transaction
from operations.rebuilding.engine import project, spark_tables
from operations.rebuilding.engine.built import Built, Event, Hearing
from operations.rebuilding.engine.graph import Graph
from operations.rebuilding.engine.on_duckdb import OnDuckDB, invoke
from operations.rebuilding.engine.spark_session import check_installed, session
from operations.rebuilding.engine.spark_steps import Steps
from operations.rebuilding.engine.variables import variables
from settings import PermanentError, Settings

_TABLE_HERE = "is_table_on_spark"  # in the `meta` of a model that is SQL within others elsewhere


class OnSpark(OnDuckDB):
    """The models on Spark; see :class:`operations.rebuilding.engine.Engine`.

    What a table follows from is the same on both, so digests and columns of tables are those of DuckDB.
    """

    def build(
        self,
        settings: Settings,
        region: str,
        first: date,
        last: date,
        chosen: list[str] | None = None,
        on_event: Callable[[Event], None] = lambda _: None,
    ) -> Built:
        graph = Graph.of(project.manifest())
        tables = graph.to_build(chosen) & frozenset(graph.parents) if chosen else frozenset(graph.parents)
        seeds, told, built = tables & _seeds(), variables(settings, region, first, last), Built()
        if seeds:  # before the models that read them: whoever listens is told of nodes in the order of the graph
            command = ["build", "--resource-type", "seed", "--select", *sorted(seeds)]
            built.models += self._built(settings, region, told, command, on_event).models
        if models := tables - seeds:
            built.models += self._build_models(settings, region, told, models, on_event).models
        tests = _tests_of(tables) | ({*chosen} & graph.tests.keys() if chosen else set())
        if tests:
            judged = super().build(settings, region, first, last, sorted(tests), on_event)
            built.tests, built.failed_tests = judged.tests, judged.failed_tests
        return built

    def _build_models(
        self, settings: Settings, region: str, told: dict[str, Any], models: frozenset[str],
        on_event: Callable[[Event], None],
    ) -> Built:  # fmt: skip
        """Build models on Spark and hand over those that have a place in the region's file."""
        check_installed(settings)
        made = self.tables()
        with _scratch(settings, region) as folder:
            manifest = project.parsed(project.SPARK)
            more = _made_tables(manifest, models)
            hearing = Hearing(set(), on_event, passed_over=more)
            with session(settings, region, folder) as spark:
                _hand_in(settings, region, spark, folder, _kept_back(models))
                steps = Steps(
                    spark, _beside(manifest), {name: one["columns"] for name, one in made.items()}, folder / "steps"
                )
                with _adapter(steps):
                    command = ["build", "--resource-type", "model", "--select", *sorted(models | more)]
                    invoke(region, settings.dbt_dir, manifest, told, command, hearing, project.SPARK)
                if spark.conf.get("spark.sql.ansi.enabled") != "true":
                    raise PermanentError(
                        f"{region}: Spark built without ANSI mode, so overflows may have passed: nothing is kept"
                    )
                _hand_over(settings, region, spark, made, models & made.keys())
        return hearing.built


@contextmanager
def _scratch(settings: Settings, region: str) -> Iterator[Path]:
    """A folder for what a build copies and makes, which a build that was killed may have left."""
    folder = (settings.staging_dir / region / "spark").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    settings.staging_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made_tables(manifest: Any, models: frozenset[str]) -> frozenset[str]:
    """Have what models are made of be tables of the build where it is so configured, and name those that were not.

    Spark plans and works out what a query names as often as it is named.
    """
    todo = [node for node in manifest.nodes.values() if node.resource_type == "model" and node.name in models]
    seen, found = {node.unique_id for node in todo}, set()
    for node in todo:
        for name in {*node.depends_on.nodes} & manifest.nodes.keys() - seen:
            above = manifest.nodes[name]
            if above.config.materialized == "ephemeral":
                seen.add(name)
                todo.append(above)
                if above.config.meta.get(_TABLE_HERE):
                    above.config.materialized = "table"
                    found.add(above.name)
    return frozenset(found)


def _tests_of(tables: frozenset[str]) -> set[str]:
    """The tests that dbt runs with tables: those that look at one of them."""
    nodes = project.manifest()["nodes"]
    return {
        node["name"]
        for node in nodes.values()
        if node["resource_type"] == "test"
        and tables & {nodes[one]["name"] for one in node["depends_on"].get("nodes", ()) if one in nodes}
    }


def _seeds() -> frozenset[str]:
    nodes = project.manifest()["nodes"].values()
    return frozenset(node["name"] for node in nodes if node["resource_type"] == "seed")


def _kept_back(models: frozenset[str]) -> frozenset[str]:
    """What is built anew and whole, so that nobody looks at what is stored of it."""
    return models - Graph.of(project.manifest()).carrying


def _hand_in(settings: Settings, region: str, spark: Any, folder: Path, without: frozenset[str]) -> None:
    """Copy a region's tables for Spark, and the reference data, which dbt's seeds would change there."""
    seeds = _seeds()
    with region_file(settings, region, read_only=True) as con:
        database = con.execute("select current_database()").fetchall()[0][0]
        for (schema, table), columns in spark_tables.columns_of(con, database).items():
            if table not in without | seeds:
                file = folder / "in" / schema / table / "part.parquet"
                spark_tables.write(con, f"{schema}.{table}", columns, file)
                spark_tables.take(spark, schema, table, file)
    for schema in ("staging", "intermediate", "finance"):
        spark.sql(f"create schema if not exists {schema}")
    with duckdb.connect() as con:
        for name in sorted(seeds):
            relation, columns = _seed(name)
            file = folder / "in" / "staging" / name / "part.parquet"
            spark_tables.write(con, relation, columns, file)
            spark_tables.take(spark, "staging", name, file)


def _seed(name: str) -> tuple[str, dict[str, str]]:
    """The reference data of a seed as a relation, and its columns as they are configured."""
    nodes = project.manifest()["nodes"].values()
    node = next(one for one in nodes if one["resource_type"] == "seed" and one["name"] == name)
    columns = {column: kind.upper() for column, kind in node["config"]["column_types"].items()}
    kinds = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
    path = str(project.DBT_PROJECT / node["original_file_path"]).replace("'", "''")
    return f"read_csv('{path}', header=true, columns={{{kinds}}})", columns


def _beside(manifest: Any) -> dict[str, list[str]]:
    """Of each model in Python, the tables that are built from it: it looks at what the build before left of them."""
    models = [node for node in manifest.nodes.values() if node.resource_type == "model"]
    return {
        node.name: [one.name for one in models if node.unique_id in one.depends_on.nodes]
        for node in models
        if node.language == "python"
    }


@contextmanager
def _adapter(steps: Steps) -> Iterator[None]:
    """dbt-spark as a build needs it: it turns ANSI mode off, and sends models in Python to Databricks."""
    from dbt.adapters.spark.connections import SparkCredentials
    from dbt.adapters.spark.impl import SparkAdapter

    class Step:
        def __init__(self, parsed_model: dict[str, Any], credentials: Any) -> None:
            self._node = parsed_model

        def submit(self, compiled_code: str) -> None:
            reads = [one.split(".")[2] for one in self._node["depends_on"]["nodes"]]
            steps.run(self._node["name"], self._node["raw_code"], reads)

    prepare, helpers = SparkCredentials.__post_init__, SparkAdapter.python_submission_helpers

    def prepare_for_ansi(credentials: Any) -> None:
        prepare(credentials)
        credentials.server_side_parameters["spark.sql.ansi.enabled"] = "true"

    SparkCredentials.__post_init__ = prepare_for_ansi
    SparkAdapter.python_submission_helpers = property(lambda _: {"all_purpose_cluster": Step})
    try:
        yield
    finally:
        SparkCredentials.__post_init__, SparkAdapter.python_submission_helpers = prepare, helpers


def _hand_over(
    settings: Settings, region: str, spark: Any, made: dict[str, dict[str, Any]], tables: frozenset[str]
) -> None:
    """Put what was built in the place of what the region's file holds, all of it or nothing."""
    built = {name: spark_tables.rows(spark, made[name]["schema"], name) for name in sorted(tables)}
    with region_file(settings, region) as con, transaction(con):
        database = con.execute("select current_database()").fetchall()[0][0]
        known = spark_tables.columns_of(con, database)
        for name, relation in built.items():
            schema = made[name]["schema"]
            if (schema, name) not in known:
                con.execute(f"create schema if not exists {schema}")
                con.execute(made[name]["sql"])
            columns = known.get((schema, name), made[name]["columns"])
            spark_tables.put(con, f"{schema}.{name}", columns, relation)
