"""Books of spend and ledger by row: whose rows are in the tables now, and what was removed of them for good."""

from __future__ import annotations

import duckdb

# A delivery replaces its file's rows, unless it is corrupt: those there now are of the last that was loaded.
LAST_DELIVERIES = """
    select max(archive_id) as archive_id, name as file from ops.archives
    where kind in ('spend', 'ledger') and state = 'loaded' group by name"""


def remove_orders(con: duckdb.DuckDBPyConnection, where: str) -> int:
    """Delete rows of the ledger for good, and count them, so that the books still balance with what is there.

    Call it in a transaction. A later delivery of the file begins anew.
    """
    con.execute(f"""
        insert into ops.removed_events
        select archive_id, count(*) from raw.ledger_orders join ({LAST_DELIVERIES}) using (file)
        where {where} group by all
        on conflict do update set records = removed_events.records + excluded.records""")
    return con.execute(f"delete from raw.ledger_orders where {where}").fetchall()[0][0]
