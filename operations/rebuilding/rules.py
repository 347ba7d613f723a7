"""What the tables of a region were last built by, and which of them a change of models or configuration can move."""

from __future__ import annotations

import json

import duckdb

from ingestion.books import meta, put_meta
from operations.rebuilding.engine import engine_of, manifest
from operations.rebuilding.engine.digests import digests, state
from operations.rebuilding.engine.graph import Graph
from operations.rebuilding.shapes import fit_shapes
from settings import Settings

# Experiments are built whole by any build, whatever its days.
OF_EXPERIMENTS = frozenset({"int_experiments__arms", "experiment_lift"})


def is_built(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether dbt has been through the region's models once, up to the credit of orders."""
    tables = "select count(*) from duckdb_tables() where schema_name = 'intermediate' and table_name = ?"
    return con.execute(tables, ["int_attribution__touch_credits"]).fetchone() == (1,)


def moved_tables(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> frozenset[str] | None:
    """The stored tables that are filled otherwise than when this was last asked, with all that is built from them.

    The answer is given once: whoever asks enters it among the pending days, in the same transaction. The tables get the
    columns that are new.

    Returns:
        None where nothing is known of how the tables were built: all of them.

    Raises:
        ShapeError: a table would lose a column, or get another type for one.
    """
    now = state(settings, region)
    if meta(con, "rules") == now:
        return frozenset()
    found = digests(settings, region, engine_of(settings).compiled)
    known = json.loads(meta(con, "table_digests") or "null")
    if is_built(con):
        fit_shapes(con, settings, region)
    put_meta(con, "rules", now)
    put_meta(con, "table_digests", json.dumps(found))
    if known is None:
        return None
    return Graph.of(manifest()).stored_from(name for name, digest in found.items() if known.get(name) != digest)
