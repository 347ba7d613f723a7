"""Take out of a region's file whoever has a tombstone, and write the file anew.

This is all that an erasure does to a file, and it needs no identifier: which pseudonyms must go follows from the
tombstones. So it is as well what a restored backup needs, what makes a killed erasure good, and, as
:func:`remaining`, the check before anything is published.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from ingestion.books import meta, put_meta, region_file, remove_events, transaction
from ingestion.held_key import hold_key
from operations.rebuilding.finality import final_through
from operations.removal.anonymise import PERSONAL, anonymise_orders, stepping_tables
from operations.removal.dead_persons import Keys, Quotes, dispose_of_letters
from operations.removal.erased_persons import IS_ERASED, erased_orders, list_erased, person_columns, rows_left
from operations.removal.rewrite import REWRITE_DUE, rewrite_region_file
from privacy.keys import region_key
from privacy.suppression import Suppression
from privacy.suppression_book import SuppressionBook
from settings import PermanentError, Settings

_LEARNING_DAYS = 90
_TAKEN_OUT = "taken_out"  # in `ops.meta`, until the file is written anew: events, orders and dead letters


@dataclass(frozen=True)
class Erased:
    """What was taken out of a region's file."""

    events: int = 0
    orders: int = 0
    dead_letters: int = 0
    is_rewritten: bool = False


def enforce(settings: Settings, region: str, *, with_letters: bool = True, quotes: Quotes = lambda _: False) -> Erased:
    """Let nothing of anyone with a tombstone be in the region's file. The caller holds the warehouse.

    Killed at any moment and done again, it ends the same. With nothing to do it changes nothing.

    Args:
        with_letters: open the dead letters, too, and drop those of persons who were erased.
        quotes: dead letters of which it is true go as well.

    Raises:
        UsageError: a key is missing, or not the one of the file or the tombstones.
        PermanentError: tombstones are missing; the copy differs from the file, or somebody is still in it.
        TransientError: another process holds the region's file.
    """
    book = SuppressionBook(settings.warehouse, region)
    book.mend()
    suppression = book.load()
    if suppression is None or not settings.region_file(region).is_file():
        return Erased()
    with region_file(settings, region) as con:
        with transaction(con):
            letters = _drop_letters(con, settings, region, suppression, quotes) if with_letters else 0
            list_erased(con, suppression, rotations_due(con, settings, region))
            done = _with_killed(con, _take_out(con, settings, letters))
        is_due = meta(con, REWRITE_DUE) is not None
        if not is_due:
            con.execute("delete from ops.meta where key = ?", [_TAKEN_OUT])
            return done
    shutil.rmtree(settings.staging_dir / region, ignore_errors=True)
    rewrite_region_file(settings, region)
    with region_file(settings, region) as con:
        if remaining(con, settings, region):
            raise PermanentError(f"{region}: its file still holds somebody who was erased")
        con.execute("delete from ops.meta where key in (?, ?)", [REWRITE_DUE, _TAKEN_OUT])
    return Erased(done.events, done.orders, done.dead_letters, is_rewritten=True)


def _with_killed(con: duckdb.DuckDBPyConnection, done: Erased) -> Erased:
    """With what one that was killed before it could tell has taken out; kept until this one can."""
    known = [int(one) for one in (meta(con, _TAKEN_OUT) or "0 0 0").split()]
    events, orders, letters = (a + b for a, b in zip(known, (done.events, done.orders, done.dead_letters), strict=True))
    if any((done.events, done.orders, done.dead_letters)):
        put_meta(con, _TAKEN_OUT, f"{events} {orders} {letters}")
    return Erased(events, orders, letters)


def remaining(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> int:
    """How many rows of persons with a tombstone a region's file holds."""
    suppression = SuppressionBook(settings.warehouse, region).load()
    if suppression is None:
        return 0
    list_erased(con, suppression, rotations_due(con, settings, region))
    return rows_left(con)


def rotations_due(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> tuple[bytes, ...]:
    """The rotations of the region's key that its file does not stand under yet.

    Raises:
        UsageError: the key is not at hand, or another than the file's.
    """
    held = meta(con, "pseudonym_key")
    if held is None:
        return ()
    key = region_key(settings.warehouse, region, "pseudonym", make=False)
    if (later := key.after(held)) is None:
        hold_key(con, key)  # says what is wrong
    return later or ()


def _drop_letters(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, suppression: Suppression, quotes: Quotes
) -> int:
    seal_key = region_key(settings.warehouse, region, "seal", make=False)
    pseudonym_key = region_key(settings.warehouse, region, "pseudonym", make=False)
    dropped = dispose_of_letters(con, settings, Keys(seal_key, pseudonym_key), suppression, quotes)
    if dropped:
        put_meta(con, REWRITE_DUE, "yes")
    return dropped


def _take_out(con: duckdb.DuckDBPyConnection, settings: Settings, letters: int) -> Erased:
    """Everything of ``erased_ids`` and ``erased_spans``."""
    if not rows_left(con):
        return Erased(dead_letters=letters)
    con.execute(f"""
        create or replace temp table erased_events as
        select message_id, order_id, event from raw.events where {IS_ERASED}""")
    events, orders = con.execute("select count(*) from erased_events").fetchall()[0][0], erased_orders(con)
    _keep_paths(con)
    anonymise_orders(con, orders, settings.attribution.lapsed_after_days)
    # Refunds and cancellations that the person sent of others' orders stay with those, without the sender.
    _anonymise_records(con)
    remove_events(con, "order_id is null and message_id in (select message_id from erased_events)")
    _delete_person_rows(con)
    con.execute("delete from ops.changes where key in (select message_id::varchar from erased_events)")
    put_meta(con, REWRITE_DUE, "yes")
    return Erased(events, len(orders), letters)


def _keep_paths(con: duckdb.DuckDBPyConnection) -> None:
    """Keep, without them, the paths of persons who bought nothing in the 90 days that a month learns from."""
    tables = {(schema, table) for schema, table, _ in person_columns(con)}
    learned = "select count(*) from duckdb_tables() where table_name = 'int_attribution__learning_paths'"
    if ("intermediate", "int_sessions__touchpoints") not in tables or not con.execute(learned).fetchall()[0][0]:
        return
    con.execute(
        f"""
        with months as (
            select distinct month, last_day(month) as last_on from intermediate.int_attribution__learning_paths
            where last_day(month) > $frozen_through
        ),
        buyers as (
            select distinct month, person_id from intermediate.int_orders__conversions
            join months on ordered_on between last_on - {_LEARNING_DAYS - 1} and last_on
        ),
        paths as (
            select month, list(channel order by touched_at, tie_number) as path
            from intermediate.int_sessions__touchpoints
            join months on touched_on between last_on - {_LEARNING_DAYS - 1} and last_on
            anti join buyers using (month, person_id)
            where person_id in (select id from erased_ids)
            group by month, person_id
        )
        insert into ops.settled_paths select month, path, count(*) from paths group by all""",
        {"frozen_through": final_through(con) or date.min + timedelta(days=1)},
    )


def _anonymise_records(con: duckdb.DuckDBPyConnection) -> None:
    """What is left of commerce records of ``erased_events``: their orders, no ids."""
    nulls = ", ".join(f"{name} = null" for name in PERSONAL)
    con.execute(f"""
        update raw.events set {nulls}, is_anonymised = true
        where order_id is not null and message_id in (select message_id from erased_events)""")


def _delete_person_rows(con: duckdb.DuckDBPyConnection) -> None:
    """From every table that is not the events' or the orders'; and no weight names a touch that is gone."""
    for schema, table, column in person_columns(con):
        if (schema, table) == ("intermediate", "int_orders__conversions"):
            con.execute(f"update {schema}.{table} set {column} = null where {column} in (select id from erased_ids)")
        elif (schema, table) != ("raw", "events"):
            con.execute(f"delete from {schema}.{table} where {column} in (select id from erased_ids)")
    gone = "touch_id in (select message_id from erased_events)"
    for table, statement in (
        ("int_sessions__starts", f"delete from intermediate.int_sessions__starts where {gone}"),
        ("int_sessions__touchpoints", f"delete from intermediate.int_sessions__touchpoints where {gone}"),
        ("int_attribution__touch_credits",
         f"update intermediate.int_attribution__touch_credits set touch_id = null where {gone}"),
        # Of orders that are no more, but still stand in a cell.
        *((one, f"update intermediate.{one} set buyer_id = uuid() where buyer_id in (select id from erased_ids)")
          for one in stepping_tables(con)),
    ):  # fmt: skip
        query = "select count(*) from duckdb_tables() where schema_name = 'intermediate' and table_name = ?"
        if con.execute(query, [table]).fetchall() == [(1,)]:
            con.execute(statement)
