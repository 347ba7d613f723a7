"""What the landing zone has, or should have, and a run did not use: told by name, with what it may be worth.

What something is worth is said at the region's average: so many orders and so much revenue a record of events.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb

from ingestion.landing import Landed
from ingestion.seen import Seen
from ingestion.strays import not_files, strays
from settings import Settings

NOT_KNOWN: dict[str, Any] = dict.fromkeys(("vanished", "vanished_records", "unreadable_names", "links_outside"))
_AVERAGE = """
    select coalesce(sum(records), 0)::bigint, coalesce(sum(size_bytes), 0)::bigint
    from ops.archives where kind = 'events' and state = 'loaded'"""


def found(held: Seen, settings: Settings, region: str, landed: list[Landed]) -> dict[str, Any]:
    """Files that nobody reads and files that are gone again, as ``romi status --json`` has them under ``backlog``.

    Raises:
        UsageError: the landing zone is not there.
        TransientError: it cannot be listed.
    """
    vanished, others = held.vanished(landed), not_files(settings, region)
    no_files = [name.removeprefix(f"{region}/") for name, is_link in others.items() if not is_link]
    return {
        "vanished": len(vanished),
        "vanished_records": sum(held.loaded[name] for name in vanished),
        "unreadable_names": strays(settings, region) + no_files,
        "links_outside": [name for name, is_link in others.items() if is_link],
    }


def corrupt(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The archives and files that cannot be read whole, oldest first: each with its size and what is wrong."""
    rows = con.execute("""
        select name, size_bytes, problem from ops.archives where state = 'corrupt' order by archive_id""").fetchall()
    return [dict(zip(("name", "bytes", "problem"), row, strict=True)) for row in rows]


def average(con: duckdb.DuckDBPyConnection) -> dict[str, str] | None:
    """What a record of events, and a byte of an archive, came to in this region so far; None before the first build."""
    records, size = con.execute(_AVERAGE).fetchall()[0]
    try:
        orders, revenue = con.execute("select sum(orders), sum(revenue) from finance.orders_daily").fetchall()[0]
    except duckdb.Error:  # nothing was built yet
        return None
    if not records or not size or orders is None:
        return None
    shares = {
        "orders": Decimal(orders) / records,
        "revenue": revenue / records,
        "records_per_byte": Decimal(records) / size,
    }
    return {name: f"{share:.9f}" for name, share in shares.items()}


def lines(backlog: dict[str, Any]) -> list[str]:
    """A line for people for what never landed, and for what corrupt files may be worth."""
    return [*_losses(backlog), *_corrupt(backlog), *(backlog.get("switched_off") or [])]


def _losses(backlog: dict[str, Any]) -> Iterator[str]:
    for one in backlog["known_loss"]:
        yield (
            f"known loss: {one['records']:,} records of {one['topic']}, partition {one['partition']}, never landed"
            f"{_worth(backlog, one['records'])}; ask upstream for the archives between"
        )


def _corrupt(backlog: dict[str, Any]) -> Iterator[str]:
    """Each is named elsewhere, with what is wrong with it."""
    if (files := backlog.get("corrupt")) and backlog.get("average"):
        size = sum(one["bytes"] for one in files)
        records = int(Decimal((backlog.get("average") or {}).get("records_per_byte", "0")) * size)
        what = "1 file is" if len(files) == 1 else f"{len(files):,} files are"
        yield f"{what} corrupt and not read, {size:,} bytes{_worth(backlog, records)}"


def vanished_lines(backlog: dict[str, Any]) -> Iterator[str]:
    """A line for people for the files that are gone from the landing zone, whenever they went."""
    if count := backlog.get("vanished"):
        what = "1 file that was loaded is" if count == 1 else f"{count:,} files that were loaded are"
        yield f"{what} gone from the landing zone; the {backlog.get('vanished_records') or 0:,} records in it stay"


def _worth(backlog: dict[str, Any], records: int) -> str:
    average = backlog.get("average")
    if not average or not records:
        return ""
    orders, revenue = (Decimal(average[name]) * records for name in ("orders", "revenue"))
    return f" (at the region's average {records:,} records, {orders:,.0f} orders and {revenue:,.2f} of revenue)"
