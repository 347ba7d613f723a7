"""What was odd about values that were used all the same: counted by archive and field, never quoted.

``ops.notes`` says in how many records; a note is no fate, since its record was kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

CUT, ODD, CAPPED, UNREADABLE, AHEAD, TO_COME = "cut", "odd", "capped", "unreadable", "ahead", "to_come"
NO_ORDER, COARSE = "no_order", "coarse"
MEANINGS = {
    CUT: "longer than 1 KB, of which only the beginning is kept",
    UNREADABLE: "not what it has to be, and counts as absent: its order was kept without it",
    AHEAD: "after tomorrow, so that the time of receipt stands for it",
    TO_COME: "after tomorrow, and counts on the day that it says",
    NO_ORDER: "named like an order or a refund and counts as neither: they are called `Order Completed` and"
    " `Order Refunded`; one that is meant as a conversion stands under `attribution.conversions`",
    COARSE: "only ever the first of a month, or one day of the week: if the rows are sums of months or weeks, export by"
    " day, since the cost of each now counts on that day",
    ODD: "not a number that can be read one way only, and counts as absent",
    CAPPED: "more than the revenue of its order, and counts as that revenue",
}
# Of a table as a whole: rows of cost that are parts of a campaign's day with others, and lines that sum up others.
ADDED_UP, TOTAL = "added_up", "total"
UNREAD_SHEET = "unread_sheet"  # of a workbook: `field` is the sheet's name
_NOTES = pl.Schema({"archive_id": pl.Int32(), "field": pl.String(), "note": pl.String(), "records": pl.Int64()})


def note(con: duckdb.DuckDBPyConnection, notes: Mapping[int, Counter[tuple[str, str]]]) -> None:
    """Add to what is noted of archives, by their ids: of how many records for each field and key of MEANINGS.

    Call it in the transaction that loads the data.
    """
    rows = [(id_, *key, records) for id_, counted in notes.items() for key, records in counted.items() if records]
    if not rows:
        return
    con.register("noted", pl.DataFrame(rows, schema=_NOTES, orient="row").to_arrow())
    con.execute("""
        insert into ops.notes by name from noted
        on conflict do update set records = notes.records + excluded.records""")
    con.unregister("noted")


def summary(con: duckdb.DuckDBPyConnection, after_archive: int = 0) -> list[dict[str, Any]]:
    """How many records of archives booked after that one have each note, by kind of file, topic and field."""
    rows = con.execute(
        """select kind, topic, field, note, sum(notes.records)::bigint
        from ops.notes join ops.archives using (archive_id) where archive_id > ? group by all order by all""",
        [after_archive],
    ).fetchall()
    return [dict(zip(("kind", "topic", "field", "note", "records"), row, strict=True)) for row in rows]


def lines(noted: list[dict[str, Any]]) -> list[str]:
    """A line for people of each."""
    return [
        f"{one['field']} of {one['topic'] or one['kind']} was {MEANINGS.get(one['note'], one['note'])},"
        f" in {one['records']:,} record{'' if one['records'] == 1 else 's'}"
        for one in noted if one["note"] in MEANINGS
    ]  # fmt: skip
