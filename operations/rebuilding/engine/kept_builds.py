"""The builds that are kept beside the parsed project, by what the statements of one follow from besides the rows."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any

import duckdb

from operations.rebuilding.engine import project
from operations.rebuilding.engine.recording import Recording

_QUOTED = re.compile(r"""(?<=['"])[^'"\n]*(?=['"])""")
_WORD = re.compile(r"[\w/-]+")
_LAYOUT = "1"  # of a recording; those of another one are left unread
_KEPT = 100  # of some 80 kB
# The variables that models put into their SQL as they are, between quotes, and ask at most whether there is one: days,
# and what regions differ in. Of a timezone they ask whether it is UTC, which they say as well.
PRINTED = (
    "from_date", "to_date", "frozen_through", "kept_through", "sessions_through", "closed_through", "touched_from",
    "touched_to", "region", "timezone",
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
    """Names what a build follows from, besides the rows: of what is printed, only what there is, and what is the same.

    Args:
        con: on the region's file.
        told: dbt's variables.
        command: dbt's command with its arguments.
    """
    printed = printed_of(told)
    rules = json.dumps({name: value for name, value in sorted(told.items()) if name not in PRINTED}, default=str)
    # What a model or a rule says as well is not to be told from it; one day alone is compared with experiments' days.
    said = _words(project.digest_of_files()) | {*_QUOTED.findall(rules)}
    compared = told.get("kept_through") if told.get("experiments") else None
    seen = [one if not one or one in said else printed.index(one) for one in printed]
    follows = [_LAYOUT, command, rules, compared, seen, con.execute(_SHAPE).fetchall()]
    return f"build-{hashlib.sha256(json.dumps(follows).encode()).hexdigest()[:32]}.json.z"


def printed_of(told: dict[str, Any]) -> list[str]:
    """What a build prints, each empty where there is none, in the order of `PRINTED`."""
    return [str(told.get(name) or "") for name in PRINTED]


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
def _words(_: str) -> frozenset[str]:
    """What the project says between quotes, or could put there, in the state of its files that is named."""
    code = (path.read_text() for pattern in ("*.sql", "*.py") for path in project.DBT_PROJECT.rglob(pattern))
    configured = [
        json.dumps([node.get("test_metadata"), node["config"]]) for node in project.manifest()["nodes"].values()
    ]
    return frozenset(word for text in (*code, *configured) for word in (*_QUOTED.findall(text), *_WORD.findall(text)))
