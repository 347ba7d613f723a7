"""Payments of orders and their returns are known as such, and a later download of cost follows the one before."""

from __future__ import annotations

import re
from typing import Any

import duckdb


def region(con: duckdb.DuckDBPyConnection, settings: Any, name: str) -> None:
    """Change a region's file; what was read before stands as it was read."""
    con.execute("alter table raw.ledger_orders add column if not exists posting varchar")
    con.execute("alter table raw.ledger_orders add column if not exists paid_minor bigint")
    deliveries = con.execute("select distinct delivery from raw.spend where delivery is not null").fetchall()
    orders = {delivery: _order(delivery) for (delivery,) in deliveries}
    if orders:
        con.execute(
            "update raw.spend set delivery_order = map_extract_value($orders::map(varchar, varchar), delivery)"
            " where delivery is not null", {"orders": orders},
        )  # fmt: skip


def _order(delivery: str) -> str:
    plain = re.sub(r"((?:\.[A-Za-z][A-Za-z0-9]*)+)$", "\x02\\1", delivery.replace("/", "\x01"))
    return re.sub(r"[0-9]+", lambda digits: digits[0].lstrip("0").zfill(12), plain)
