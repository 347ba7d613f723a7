"""Models in Python where Spark builds the others: the same code, over tables that an engine in this process reads.

They are exact, and small beside what they are made of: what they read are paths with counts, or what is published of a
month. Spark's tables are read from their files, and what comes of them is a table of Spark's again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from operations.rebuilding.engine import spark_tables

_INTERMEDIATE = "intermediate"


@dataclass
class _This:
    """What a model in Python knows of its own table."""

    identifier: str
    database: str = "region"
    schema: str = _INTERMEDIATE

    def __str__(self) -> str:
        return f"{self.database}.{self.schema}.{self.identifier}"


@dataclass
class _Dbt:
    """What a model in Python asks dbt for."""

    this: _This
    ref: Callable[[str], duckdb.DuckDBPyRelation]


@dataclass
class Steps:
    """Runs the models in Python of one build.

    Args:
        spark: the session of the build.
        beside: of each model, the tables that it looks for as the build before left them.
        kinds: the columns of tables that the region's file keeps.
        folder: what they write lies there, where Spark's workers see it.
    """

    spark: Any
    beside: dict[str, list[str]]
    kinds: dict[str, dict[str, str]]
    folder: Path
    identifiers: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.identifiers = spark_tables.identifiers(self.kinds.values())

    def run(self, name: str, code: str, reads: list[str]) -> None:
        """Build the table of a model from its code.

        Args:
            reads: the tables that it refers to.

        Raises:
            RuntimeError: what it could not do, by its class alone, since its text may quote a row.
        """
        try:
            file = self._made(name, code, reads)
        except Exception as error:
            raise RuntimeError(f"Python model failed:\n{type(error).__name__}:") from error
        self.spark.sql(f"drop table if exists {_INTERMEDIATE}.{name}")
        spark_tables.take(self.spark, _INTERMEDIATE, name, file)

    def _made(self, name: str, code: str, reads: list[str]) -> Path:
        con = duckdb.connect()
        try:
            con.execute(f"set TimeZone = 'UTC'; attach ':memory:' as region; create schema region.{_INTERMEDIATE}")
            for table in {*reads, *self.beside.get(name, []), name}:
                if self.spark.catalog.tableExists(f"{_INTERMEDIATE}.{table}"):
                    self._load(con, table)
            space: dict[str, Any] = {"__name__": name}
            exec(compile(code, f"{name}.py", "exec"), space)
            dbt = _Dbt(_This(name), lambda table: con.table(f"region.{_INTERMEDIATE}.{table}"))
            found = space["model"](dbt, con)
            found.create("made")
            file = self.folder / name / "part.parquet"
            columns = spark_tables.columns_read(con, "made")
            spark_tables.write(con, "made", columns, file)
            return file
        finally:
            con.close()

    def _load(self, con: duckdb.DuckDBPyConnection, table: str) -> None:
        relation = spark_tables.rows(self.spark, _INTERMEDIATE, table)
        found = spark_tables.columns_read(con, relation)
        known = self.kinds.get(table, {})
        kinds = {one: known.get(one) or ("UUID" if one in self.identifiers else kind) for one, kind in found.items()}
        told = ", ".join(f'cast("{one}" as {kind}) as "{one}"' for one, kind in kinds.items())
        con.execute(f"create table region.{_INTERMEDIATE}.{table} as select {told} from {relation}")
