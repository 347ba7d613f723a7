"""dbt's builds as DuckDB sees them: the statements of one, recorded as dbt sends them.

Most of a small build's time is dbt's own: it compiles each node anew and asks the catalogue about it. What it sends in
the end follows from the project, the command, the variables and the tables that are there (see
:mod:`operations.rebuilding.engine.kept_builds`); of the rows it reads no more than the last row's number, in
``dialects/duckdb/incremental.sql``. So the statements are kept in their order, with the cursor of each, and with what
dbt told of its nodes in between.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from threading import local
from typing import Any

from operations.rebuilding.engine.built import Event

_COMMENT = re.compile(r"\s*/\*.*?\*/\s*", re.S)  # dbt's own, before each statement
LAST_ROW = "max(rowid)"
JUDGED = "should_error"  # a column of what dbt asks of a test
ENDS = ("rollback", "close")


@dataclass(frozen=True)
class Call:
    """What dbt did with a cursor, by its number; or, of no cursor, an event that it told."""

    kind: str  # execute, python, rollback, close or event
    cursor: int = -1
    arguments: tuple[Any, ...] = ()


@dataclass
class Recording:
    """The calls of one build, what it was opened with, what it printed, and tests whose warnings are failures."""

    calls: list[Call] = field(default_factory=list)
    credentials: dict[str, Any] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)

    def noting(self, on_event: Callable[[Event], None]) -> Callable[[Event], None]:
        """What to call with each event instead of `on_event`."""

        def note(event: Event) -> None:
            self.calls.append(Call("event", arguments=(deepcopy(event),)))
            on_event(event)

        return note

    def to_bytes(self) -> bytes:
        """To be read by :meth:`from_bytes`.

        Raises:
            TypeError: a statement was sent with a value that JSON does not have.
        """
        return zlib.compress(json.dumps(asdict(self)).encode())

    @classmethod
    def from_bytes(cls, kept: bytes) -> Recording:
        """What :meth:`to_bytes` gave.

        Raises:
            ValueError: it is not whole.
        """
        try:
            told = json.loads(zlib.decompress(kept))
        except zlib.error as error:
            raise ValueError(str(error)) from error
        calls = [Call(one["kind"], one["cursor"], tuple(one["arguments"])) for one in told.pop("calls")]
        return cls(calls, **told)


@contextmanager
def recording() -> Iterator[Recording]:
    """Records the one build that is made meanwhile.

    dbt builds in several threads. A call is noted once it is done, so that what reads a table comes after the commit
    that it waited for.
    """
    from dbt.adapters.duckdb.environments.local import DuckDBConnectionWrapper, DuckDBCursorWrapper, LocalEnvironment

    taker = _Taker(LocalEnvironment, DuckDBConnectionWrapper, DuckDBCursorWrapper)
    taker.put_in()
    try:
        yield taker.found
    finally:
        taker.take_out()


class _Taker:
    """Stands between dbt and dbt-duckdb's environment, its connections and its cursors (a test names them)."""

    def __init__(self, environment: Any, connection: Any, cursor: Any) -> None:
        self.found, self._within = Recording(), local()
        self._numbered: list[Any] = []  # the cursors
        self._own = {
            (owner, name): getattr(owner, name)
            for owner, name in (
                (environment, "handle"), (environment, "submit_python_job"), (cursor, "execute"),
                *((connection, end) for end in ENDS),
            )
        }  # fmt: skip

    def put_in(self) -> None:
        stand_ins = {
            "handle": self._handle, "submit_python_job": self._submit, "execute": self._execute, **self._ends(),
        }  # fmt: skip
        for owner, name in self._own:
            setattr(owner, name, stand_ins[name](self._own[owner, name]))

    def take_out(self) -> None:
        for (owner, name), own in self._own.items():
            setattr(owner, name, own)

    def _note(self, cursor: Any, kind: str, *arguments: Any) -> None:
        number = next((number for number, one in enumerate(self._numbered) if one is cursor), None)
        if number is not None and not getattr(self._within, "python", False):
            self.found.calls.append(Call(kind, number, arguments))

    def _handle(self, own: Any) -> Any:
        def handle(environment: Any) -> Any:
            opened = own(environment)
            self.found.credentials = environment.creds.to_dict()
            self._numbered.append(opened.cursor())
            return opened

        return handle

    def _execute(self, own: Any) -> Any:
        def execute(cursor: Any, sql: str, bindings: Any = None) -> Any:
            found = own(cursor, sql, bindings)
            if _changes_or_judges(sql):
                self._note(cursor, "execute", sql, bindings)
            return found

        return execute

    def _submit(self, own: Any) -> Any:
        def submit(environment: Any, opened: Any, parsed_model: dict[str, Any], code: str) -> Any:
            self._within.python = True
            try:
                found = own(environment, opened, parsed_model, code)
            finally:
                self._within.python = False
            self._note(opened.cursor(), "python", parsed_model["alias"], code)
            return found

        return submit

    def _ends(self) -> dict[str, Any]:
        def stand_in(name: str) -> Any:
            def of(own: Any) -> Any:
                def end(connection: Any) -> Any:
                    found = own(connection)
                    self._note(connection.cursor(), name)
                    return found

                return end

            return of

        return {name: stand_in(name) for name in ENDS}


def _changes_or_judges(sql: str) -> bool:
    """Not what dbt only asks of the catalogue."""
    text = _COMMENT.sub("", sql, count=1).lstrip().lower()
    return not text.startswith("select") or LAST_ROW in sql or JUDGED in sql
