"""Rotation of a region's pseudonym key by nesting: HMAC(k2, HMAC(k1, id)) of what is there, without a plain identifier.

The new key stands in the key file before anything is rewritten under it, and a file says under which key it stands. So
whatever a kill or a restore left behind is brought forward by the next run, :func:`catch_up`, and ends the same.
Archives that come again are hashed under all keys in turn and meet the rewritten pseudonyms; tombstones lie under a key
of their own and hold for a pseudonym in every form it had.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import duckdb
import polars as pl

from ingestion.books import put_meta, region_file, transaction
from operations import status
from operations.removal import erasure
from operations.removal.rewrite import REWRITE_DUE, rewrite_if_due
from operations.rights.tombstones import extend
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from privacy.keys import add_rotation, region_key
from privacy.pseudonyms import nested_all
from settings import Settings, UnknownValueError, UsageError

# `buyer_id` is a person's pseudonym, or of an order without a person a random number; that changes as well, and says
# no more than before.
_COLUMNS = ("user_id", "anonymous_id", "person_id", "buyer_id")


def rotate(settings: Settings, region: str, on_wait: OnWait = wait_quietly) -> int:
    """Add a key to the region's pseudonym key and bring its file forward; one that was begun is ended instead.

    Returns:
        How many pseudonyms were replaced.

    Raises:
        UsageError: there is no such region, its key comes from the environment, or an experiment of it hangs on
            pseudonyms.
    """
    check_warehouse(settings)
    known = sorted(path.stem for path in settings.regions_dir.glob("*.duckdb"))
    if region not in known:
        raise UnknownValueError("region", region, known)
    for name, one in settings.experiments_of(region).items():
        if one.assignment == "pseudonym":
            raise UsageError(f"experiments.{name} draws its control by pseudonym: take it out before a rotation")
    with exclusive(settings, on_wait):
        replaced = catch_up(settings, region)
        if replaced is None:
            add_rotation(settings.warehouse, region)
            replaced = catch_up(settings, region)
    return replaced or 0


def catch_up(settings: Settings, region: str) -> int | None:
    """Apply to the region's file the rotations of its key that it lacks. The caller holds the warehouse.

    Killed at any moment and done again, it ends the same.

    Returns:
        How many pseudonyms were replaced; None where it lacked none.

    Raises:
        UsageError: the file stands under another key.
    """
    if not settings.region_file(region).is_file():
        return None
    with region_file(settings, region, read_only=True) as con:
        later = erasure.rotations_due(con, settings, region)
    if not later:
        rewrite_if_due(settings, region)
        return None
    extend(settings, region)
    # As long as pseudonyms stand as they did, every tombstone can be told.
    erasure.enforce(settings, region, with_letters=False)
    with region_file(settings, region) as con, transaction(con):
        replaced = _replace(con, later)
        key = region_key(settings.warehouse, region, "pseudonym", make=False)
        put_meta(con, "pseudonym_key", key.fingerprint)
        put_meta(con, REWRITE_DUE, "yes")  # the old ones still stand in the bytes
    shutil.rmtree(settings.staging_dir / region, ignore_errors=True)
    rewrite_if_due(settings, region)
    with region_file(settings, region, read_only=True) as con:
        status.write_snapshot(con, settings, region)
    return replaced


def _replace(con: duckdb.DuckDBPyConnection, rotations: Sequence[bytes]) -> int:
    places = con.execute(
        """select schema_name, table_name, column_name
        from duckdb_columns() join duckdb_tables() using (database_name, schema_name, table_name)
        where list_contains($columns, column_name) and data_type = 'UUID'
            and database_name = current_database() and not duckdb_tables.temporary
        order by all""",
        {"columns": list(_COLUMNS)},
    ).fetchall()
    union = " union ".join(f"select {column} as id from {schema}.{table}" for schema, table, column in places)
    names = con.execute(f"select replace(id::varchar, '-', '') as id from ({union}) where id is not null").pl()
    con.register("names", names.with_columns(nested_all(pl.col("id"), rotations).alias("name")).to_arrow())
    con.execute("create or replace temp table renamed as select id::uuid as id, name::uuid as name from names")
    con.unregister("names")
    for schema, table, column in places:
        con.execute(f"update {schema}.{table} set {column} = name from renamed where {column} = id")
    con.execute("drop table renamed")
    return len(names)
