"""Orders and single records that are set aside: in the books, in no model, and back when somebody releases them.

A record that is set aside keeps its fate, since it was loaded: the books still balance, and redelivery still finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

from ingestion.books import region_file, transaction
from ingestion.boundary import order_number
from ingestion.records import naive_utc
from operations import status
from operations.dead_letters import regions
from operations.rebuilding import plan
from operations.store.locks import exclusive
from privacy.keys import region_key
from settings import Settings, UsageError, now

_COLUMNS = ("order_id", "archive", "record_offset", "reason", "set_aside_by", "set_aside_at", "released_by",
            "released_at", "released_for", "day", "currency", "revenue_minor", "worth_cents",
            "usual_cents")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What is set aside: an order by its id, or a record by its archive's name and its place in it, from 0.

    Raises:
        UsageError: it is neither, or both.
    """

    order_id: str | None = None
    archive: str | None = None
    record_offset: int | None = None

    def __post_init__(self) -> None:
        given = [one is not None for one in (self.order_id, self.archive, self.record_offset)]
        if given not in ([True, False, False], [False, True, True]):
            raise UsageError("name an order with --order, or a record with --archive and --offset")


@dataclass(frozen=True)
class Changed:
    """What came of it."""

    region: str
    pending_days: int  # that the next run rebuilds


def add(
    settings: Settings, region: str | None, place: Place, reason: str, by: str, on_wait: Callable[..., None]
) -> Changed:
    """Set an order or a record aside. The next run rebuilds its days without it.

    Raises:
        UsageError: it is not there, or is set aside already; or there are several regions and none is named.
    """
    return _change(settings, region, on_wait, lambda con, name: _add(con, settings, name, place, reason, by))


def release(
    settings: Settings, region: str | None, place: Place, reason: str, by: str, on_wait: Callable[..., None]
) -> Changed:
    """Take an order or a record back, whoever set it aside. The next run rebuilds its days with it.

    Raises:
        UsageError: it is not set aside; or there are several regions and none is named.
    """
    return _change(settings, region, on_wait, lambda con, name: _release(con, settings, name, place, reason, by))


def listed(settings: Settings, region: str | None, *, released: bool = False) -> list[dict[str, Any]]:
    """What is set aside by region, the newest first; with `released` also what was."""
    found = []
    for name in regions(settings, region):
        with region_file(settings, name, read_only=True) as con:
            rows = con.execute(f"""
                select order_id, archives.name, record_offset,
                    quarantine.* exclude (order_id, archive_id, record_offset)
                from ops.quarantine left join ops.archives using (archive_id)
                where {"true" if released else "released_at is null"}
                order by set_aside_at desc, order_id, record_offset""").fetchall()  # fmt: skip
        found += [{"region": name, **dict(zip(_COLUMNS, row, strict=True))} for row in rows]
    return found


def _change(
    settings: Settings, region: str | None, on_wait: Callable[..., None],
    change: Callable[[duckdb.DuckDBPyConnection, str], None],
) -> Changed:  # fmt: skip
    names = regions(settings, region)
    if len(names) != 1:
        raise UsageError(f"name the region with --region, one of {', '.join(names)}")
    (name,) = names
    with exclusive(settings, on_wait), region_file(settings, name) as con:
        with transaction(con):
            change(con, name)
        pending = plan.plan(con, settings, name)
        status.write_snapshot(con, settings, name)
    return Changed(name, pending)


def _add(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, place: Place, reason: str, by: str
) -> None:  # fmt: skip
    where, key = _found(con, settings, region, place)
    if con.execute(f"select count(*) from ops.quarantine where released_at is null and {where}", key).fetchall()[0][0]:
        raise UsageError("it is set aside already; `romi quarantine list` shows what is")
    con.execute(
        """insert into ops.quarantine by name
        select $order_id as order_id, $archive_id::integer as archive_id, $record_offset::bigint as record_offset,
            $reason as reason, $by as set_aside_by, $now::timestamp as set_aside_at""",
        {"order_id": None, "archive_id": None, "record_offset": None, **key, "reason": reason, "by": by,
         "now": naive_utc(now())},
    )  # fmt: skip
    _note_change(con, key)


def _release(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, place: Place, reason: str, by: str
) -> None:  # fmt: skip
    where, key = _found(con, settings, region, place, must_exist=False)
    done = con.execute(
        f"""update ops.quarantine set released_by = $by, released_at = $now::timestamp, released_for = $reason
        where released_at is null and {where}""",
        {**key, "by": by, "now": naive_utc(now()), "reason": reason},
    ).fetchall()[0][0]
    if not done:
        raise UsageError("it is not set aside; `romi quarantine list` shows what is")
    _note_change(con, key)


def _found(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, place: Place, *, must_exist: bool = True
) -> tuple[str, dict[str, Any]]:
    """A condition on ``ops.quarantine`` that names it, and its parameters.

    Raises:
        UsageError: there is no such order or record among those that were kept.
    """
    if place.order_id is not None:
        order_id = order_number(place.order_id, region_key(settings.warehouse, region, "pseudonym", make=False))
        tables = ("raw.events", "raw.ledger_orders")
        if must_exist and not any(
            con.execute(f"select count(*) from {table} where order_id = ?", [order_id]).fetchall()[0][0]
            for table in tables
        ):
            raise UsageError(f"{region} has no such order, neither in its events nor in its ledger")
        return "order_id = $order_id", {"order_id": order_id}
    found = con.execute(
        """select max(archive_id) from ops.archives
        where name = $archive and kind = 'events' and ($any or archive_id in (
            select archive_id from raw.events where record_offset = $record_offset))""",
        {"archive": place.archive, "record_offset": place.record_offset, "any": not must_exist},
    ).fetchall()[0][0]
    if found is None:
        raise UsageError(
            f"{region} keeps no record of events there; for a row of a ledger name its order, and of a file of cost"
            " land the corrected file under its name"
        )
    key = {"archive_id": found, "record_offset": place.record_offset}
    return "archive_id = $archive_id and record_offset = $record_offset", key


def _note_change(con: duckdb.DuckDBPyConnection, key: dict[str, Any]) -> None:
    if "order_id" in key:
        con.execute("insert into ops.changes values ('order', null, $order_id)", key)
    else:
        con.execute(
            """insert into ops.changes select 'event', null, message_id::varchar from raw.events
            where archive_id = $archive_id and record_offset = $record_offset""",
            key,
        )
