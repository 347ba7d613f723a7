"""dbt's builds, recorded once and replayed: seven eighths of a build's time is dbt's own, not the database's.

What dbt sends to DuckDB follows from the project, the command, the variables and the tables and columns that are
there; of the rows it only ever reads the last row's number (``dialects/duckdb/incremental.sql``). So where all of that
is as it was, the statements of the first build are sent again, in their order and on as many cursors, to another
region's file, with that number as it is there. The checks among them are judged as dbt judges them. The days of a build
stand in its SQL as literals and nowhere else, so another build's days are put in their place.
`tests/kit/test_replay.py` holds that a replayed build leaves what dbt leaves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import local
from types import MappingProxyType
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBConnectionWrapper, DuckDBCursorWrapper, LocalEnvironment

from operations.rebuilding.engine.region_plugin import REGION_FILE
from privacy import storage
from settings import Settings

_COMMENT = re.compile(r"\s*/\*.*?\*/\s*", re.S)  # dbt's own, before each statement
_LAST_ROW = "max(rowid)"
_ROW_NUMBER = re.compile(r"(\browid (?:<=|>) )-?\d+")
_DAY = re.compile(r"'(\d{4}-\d\d-\d\d)'")
_JUDGED = "should_error"  # a column of what dbt asks of a check


@dataclass(frozen=True)
class Call:
    """Something that dbt did with a cursor: its number, and what."""

    cursor: int
    kind: str  # execute, python, rollback or close
    arguments: tuple[Any, ...] = ()


@dataclass
class Recording:
    """The calls of one build, and the credentials that dbt opened its database with."""

    calls: list[Call] = field(default_factory=list)
    credentials: Any = None

    def replay(self, path: Path, days: Mapping[str, str] = MappingProxyType({})) -> None:
        """Send the calls again, to the region's file at `path`.

        Args:
            days: of this build, by those of the recorded one.

        Raises:
            AssertionError: a statement failed, or a check found something.
        """
        os.environ[REGION_FILE] = str(path)
        environment = LocalEnvironment(self.credentials)
        handles: dict[int, DuckDBConnectionWrapper] = {}
        try:
            for call in self.calls:
                handle = handles.get(call.cursor) or handles.setdefault(call.cursor, environment.handle())
                self._send(call, handle, environment, days)
        except duckdb.Error as error:
            raise AssertionError(f"a statement of the build failed: {error}") from error
        finally:
            environment.close()

    @staticmethod
    def _send(
        call: Call, handle: DuckDBConnectionWrapper, environment: LocalEnvironment, days: Mapping[str, str]
    ) -> None:
        if call.kind == "python":
            alias, code = call.arguments
            environment.submit_python_job(handle, {"alias": alias}, code)
        elif call.kind == "execute":
            sql, bindings = call.arguments
            sql = _DAY.sub(lambda day: f"'{days.get(day[1], day[1])}'", sql) if days else sql
            cursor = handle.cursor()
            if hasattr(cursor, "last_row"):
                sql = _ROW_NUMBER.sub(rf"\g<1>{cursor.last_row}", sql)
            found = cursor.execute(sql, bindings)
            if _LAST_ROW in sql:
                cursor.last_row = found.fetchall()[0][0]
            elif _JUDGED in sql:
                assert not found.fetchall()[0][2], f"a check of the build found something: {sql}"
        else:
            getattr(handle, call.kind)()


@contextmanager
def recording() -> Iterator[Recording]:
    """Records the one build that is made meanwhile; it must be of one thread, so that its calls have an order."""
    found, within = Recording(), local()
    handle, submit, execute = LocalEnvironment.handle, LocalEnvironment.submit_python_job, DuckDBCursorWrapper.execute
    ends = {name: getattr(DuckDBConnectionWrapper, name) for name in ("rollback", "close")}
    numbers: dict[int, Any] = {}  # with the cursors themselves, so that no id comes twice

    def number_of(cursor: Any) -> int:
        return next((number for number, one in numbers.items() if one is cursor), -1)

    def note(cursor: Any, kind: str, *arguments: Any) -> None:
        number = number_of(cursor)
        if number >= 0 and not getattr(within, "python", False):
            found.calls.append(Call(number, kind, arguments))

    def noted_handle(self: LocalEnvironment) -> DuckDBConnectionWrapper:
        found.credentials = self.creds
        opened = handle(self)
        numbers[len(numbers)] = opened.cursor()
        return opened

    def noted_execute(self: DuckDBCursorWrapper, sql: str, bindings: Any = None) -> Any:
        if _changes_or_judges(sql):
            note(self, "execute", sql, bindings)
        return execute(self, sql, bindings)

    def noted_submit(self: LocalEnvironment, opened: Any, parsed_model: dict[str, Any], code: str) -> Any:
        note(opened.cursor(), "python", parsed_model["alias"], code)
        within.python = True
        try:
            return submit(self, opened, parsed_model, code)
        finally:
            within.python = False

    def noted_end(name: str) -> Any:
        def end(self: DuckDBConnectionWrapper) -> Any:
            note(self.cursor(), name)
            return ends[name](self)

        return end

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalEnvironment, "handle", noted_handle)
        patch.setattr(LocalEnvironment, "submit_python_job", noted_submit)
        patch.setattr(DuckDBCursorWrapper, "execute", noted_execute)
        for name in ends:
            patch.setattr(DuckDBConnectionWrapper, name, noted_end(name))
        yield found


def _changes_or_judges(sql: str) -> bool:
    """Not what dbt only asks of the catalogue."""
    text = _COMMENT.sub("", sql, count=1).lstrip().lower()
    return not text.startswith("select") or _LAST_ROW in sql or _JUDGED in sql


def shape_of(path: Path) -> tuple[tuple[Any, ...], ...]:
    """The tables, views and columns of a region's file: all that dbt sees of it."""
    with duckdb.connect() as con:
        storage.prepare(con, path)
        storage.attach(con, path, Settings(warehouse=path.parent.parent), path.stem, read_only=True)
        columns = con.execute("""
            select schema_name, table_name, column_name, data_type, column_index
            from duckdb_columns() where database_name = 'region' order by all""").fetchall()
        views = con.execute("""
            select schema_name, view_name, sql from duckdb_views()
            where database_name = 'region' and not internal order by all""")
        return (*columns, *views.fetchall())
