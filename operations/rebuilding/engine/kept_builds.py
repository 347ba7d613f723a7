"""The builds that are kept beside the parsed project, by what the statements of one follow from besides the rows."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import lru_cache
from typing import Any

import duckdb

from operations.rebuilding.engine import project
from operations.rebuilding.engine.recording import Recording

_LAYOUT = "1"  # of a recording; those of another one are left unread
_KEPT = 100  # of some 80 kB
# The variables that are days: models put each into their SQL as it is, and ask at most whether there is one.
DAYS = (
    "from_date", "to_date", "frozen_through", "kept_through", "sessions_through", "closed_through", "touched_from",
    "touched_to",
)  # fmt: skip
# All that dbt sees of a region: its tables, views and columns.
_SHAPE = """
    select schema_name, table_name, column_name, data_type, column_index from duckdb_columns()
    where database_name = current_database() and not internal
    union all
    select schema_name, view_name, sql, null, null from duckdb_views()
    where database_name = current_database() and not internal
    order by all"""


def name_of(con: duckdb.DuckDBPyConnection, told: dict[str, Any], command: list[str]) -> str:
    """Names what a build follows from, besides the rows: of its days only which there are, and which are the same.

    Args:
        con: on the region's file.
        told: dbt's variables.
        command: dbt's command with its arguments.
    """
    days = days_of(told)
    rules = json.dumps({name: value for name, value in sorted(told.items()) if name not in DAYS}, default=str)
    # A day that a model or a rule says as well is not to be told from it; one alone is compared with experiments' days.
    said = rules + _sql(project.digest_of_files())
    compared = told.get("kept_through") if told.get("experiments") else None
    seen = [day if not day or day in said else days.index(day) for day in days]
    follows = [_LAYOUT, command, rules, compared, seen, con.execute(_SHAPE).fetchall()]
    return f"build-{hashlib.sha256(json.dumps(follows).encode()).hexdigest()[:32]}.json.z"


def days_of(told: dict[str, Any]) -> list[str]:
    """A build's days, each empty where it has none, in the order of `DAYS`."""
    return [str(told.get(name) or "") for name in DAYS]


def find(name: str) -> Recording | None:
    """A build that was recorded, or none: also where a disk lost a part of it."""
    kept = project.find(name)
    try:
        return None if kept is None else Recording.from_bytes(kept)
    except ValueError:
        return None


def keep(name: str, recording: Recording) -> None:
    """Keep a build, and forget those that were not asked for the longest."""
    with suppress(TypeError):
        project.keep(name, recording.to_bytes(), at_most=_KEPT)


@lru_cache(maxsize=2)
def _sql(_: str) -> str:
    """The project's SQL, in the state of its files that is named."""
    return "".join(path.read_text() for path in sorted(project.DBT_PROJECT.rglob("*.sql")))
