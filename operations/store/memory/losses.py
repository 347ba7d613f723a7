"""`romi accept-loss`: what really is lost is given up by its owner, booked, and shown for good.

A loss stands in the region's file (``ops.losses``), where the marts' data quality reads it, and in the memory, since
the file may be lost again.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import duckdb

from operations.store.memory.shapes import Loss, RegionMemory


def put_losses(con: duckdb.DuckDBPyConnection, losses: Iterable[Loss]) -> None:
    """Have the region's file hold all losses that are remembered of it."""
    held = {(at, what) for at, what in con.execute("select accepted_at, what from ops.losses").fetchall()}
    for one in losses:
        if (one.accepted_at, one.what) not in held:
            con.execute("insert into ops.losses values (?, ?, ?, ?, ?, ?, ?)", [
                one.accepted_at, one.accepted_by, one.what, one.archives, one.records, one.orders, one.revenue,
            ])  # fmt: skip


def lost_worth(con: duckdb.DuckDBPyConnection, memory: RegionMemory) -> tuple[int, Decimal]:
    """Of the orders and revenue that were published, those that the region's file does not have now."""
    if memory.worth is None:
        return 0, Decimal(0)
    try:
        orders, revenue = con.execute(
            """select coalesce(sum(orders), 0)::bigint, coalesce(sum(revenue), 0)
            from finance.orders_daily where date <= ?""",
            [memory.worth.last_day],
        ).fetchall()[0]
    except duckdb.Error:  # nothing of it was built yet
        orders, revenue = 0, Decimal(0)
    return max(0, memory.worth.orders - orders), max(Decimal(0), memory.worth.revenue - Decimal(revenue))
