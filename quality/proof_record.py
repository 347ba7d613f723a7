"""The rows that steps leave of their proofs, one a month, beside the rows that they publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import duckdb
import pyarrow as pa

from quality.proof import Proof

_COUNTED = [one.name for one in fields(Proof) if one.repr]
_NAMES = ("step", "is_first", *_COUNTED)
_SCHEMA = pa.schema(
    [("month", pa.date32()), *((name, pa.bool_() if name.startswith("is_") else pa.int64()) for name in _NAMES)]
)
# A file of before divisions were recorded has no name of them.
LAST_STEPS = """
    select month, bool_or(is_fallen_back) as is_fallen_back, sum(looked_at)::bigint as looked_at,
        sum(found)::bigint as found, sum(repaired)::bigint as repaired, max(cost_cents) as cost_cents
    from (
        from (select null::varchar as division where false union all by name from intermediate.int_privacy__proofs)
        qualify row_number() over (partition by month, division order by step desc) = 1)
    group by month"""
"""Of each month, what the proofs of its last steps say together: of its channels, currencies, cohorts and fates."""
NOTHING = "null::struct({})".format(
    ", ".join(f"{name} {'boolean' if name.startswith('is_') else 'bigint'}" for name in _NAMES)
)
"""What a row that is no proof's has in the column of proofs, as SQL."""


def record_of(proof: Proof, month: Any, step: int, *, is_first: bool) -> dict[str, Any]:
    """What is kept of the proof of a month's step."""
    return {"month": month, "step": step, "is_first": is_first} | {name: getattr(proof, name) for name in _COUNTED}


def rows_of(session: duckdb.DuckDBPyConnection, view: str, records: Sequence[dict[str, Any]]) -> str:
    """Register records as a view; returns the SQL of their rows: a month, and the rest as ``proof``."""
    session.register(view, pa.Table.from_pylist(list(records), schema=_SCHEMA))
    return f"select month, struct_pack({', '.join(f'{name} := {name}' for name in _NAMES)}) as proof from {view}"
