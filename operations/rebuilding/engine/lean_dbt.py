"""What dbt does for each node and a build has no use for, left out while one is under way.

dbt parses the SQL of a model or test with sqlparse, only to find where the CTEs of ephemeral models belong, and it
writes each statement to two files that nobody reads: a third of a small build. A test holds both against dbt's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_COMMENTS = r"\s*(?:(?:--[^\n]*(?:\n|$)|/\*.*?\*/)\s*)*"
_BEGINNING = re.compile(rf"{_COMMENTS}(?P<with>with\b{_COMMENTS}(?:recursive\b)?)?", re.I | re.S)


def with_ctes(sql: str, ctes: list[Any]) -> str:
    """A query with dbt's `InjectedCTE`s before its own, as dbt's ``inject_ctes_into_sql`` gives it."""
    if not ctes:
        return sql
    found = _BEGINNING.match(sql)
    assert found  # it matches nothing as well
    told = ", ".join(one.sql for one in ctes)
    if not found["with"]:
        return f"with {told} {sql}"
    return f"{sql[: found.end()]} {told}, {sql[found.end() :]}"


@contextmanager
def lean() -> Iterator[None]:
    """While the body runs, dbt injects CTEs by :func:`with_ctes` and writes no compiled file."""
    from dbt import compilation
    from dbt.contracts.graph.nodes import ParsedNode

    dbts_own = compilation.inject_ctes_into_sql, ParsedNode.write_node
    compilation.inject_ctes_into_sql = with_ctes
    ParsedNode.write_node = lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        compilation.inject_ctes_into_sql, ParsedNode.write_node = dbts_own  # type: ignore[method-assign]
