"""Commit a file of spend, ledger or reference rates: its rows replace those of the file's last delivery."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl

from ingestion import contract, dead_letters
from ingestion.archives import Dead
from ingestion.books import Delivery, book, new_archive_ids, transaction
from ingestion.dead_letters import SEALED, sealed
from ingestion.landing import Landed
from ingestion.notes import CUT
from ingestion.records import DeadLetter
from ingestion.tables import Context, Row, UnreadableTableError, read_order, read_rates, read_rows, read_spend
from privacy.keys import Key
from privacy.redaction import is_too_long

_SPEND = pl.Schema({
    "file": pl.String(), "line": pl.Int64(), "platform": pl.String(), "spend_on": pl.Date(), "campaign_id": pl.String(),
    "campaign_name": pl.String(), "channel": pl.String(), "impressions": pl.Int64(), "clicks": pl.Int64(),
    "spend_minor": pl.Int64(), "currency": pl.String(),
})  # fmt: skip
_LEDGER = pl.Schema({
    "file": pl.String(), "line": pl.Int64(), "order_id": pl.String(), "ordered_at": pl.Datetime("us"),
    "status": pl.String(),
    "revenue_minor": pl.Int64(), "refunded_minor": pl.Int64(), "cogs_minor": pl.Int64(), "currency": pl.String(),
    "updated_at": pl.Datetime("us"),
})  # fmt: skip
_RATES = pl.Schema({"rate_on": pl.Date(), "currency": pl.String(), "rate_e8": pl.Int64()})

# What differs between the file's rows before and after: the planner turns it into days to rebuild.
_CHANGES = {
    "spend": """
        with renamed as (
            select distinct campaign_id from named_before full join named_after using (platform, campaign_id)
            where named_before.meaning is distinct from named_after.meaning
        ),
        names as (
            select campaign_id, campaign_name from raw.spend union select campaign_id, campaign_name from before
        )
        select distinct 'spend', spend_on, campaign_id from difference
        union all
        select 'campaign', null, campaign_id from renamed
        union
        select 'campaign', null, lower(campaign_name) from renamed join names using (campaign_id)
        where campaign_name is not null""",
    "ledger": "select distinct 'order', null, order_id from difference",
    "fx": "select distinct 'rate', rate_on, currency from difference",
}  # fmt: skip
# What a campaign is called and which channel it belongs to now: for those alone that the file speaks of.
_NAMED = """
    create or replace temp table {name} as
    select platform, campaign_id, arg_max(
        {{'name': campaign_name, 'channel': channel}}, {{'on': spend_on, 'file': file, 'line': line}}) as meaning
    from raw.spend semi join difference using (platform, campaign_id) group by all"""
_NAMES = {"spend": ("campaign_id", "campaign_name", "channel"), "ledger": (), "fx": ()}
_TABLES = {"spend": "raw.spend", "ledger": "raw.ledger_orders", "fx": "raw.fx_rates"}


def load_table(
    con: duckdb.DuckDBPyConnection, landed: Landed, sha256: str, context: Context, seal_key: Key
) -> Delivery:
    """Read the file and commit its rows, its books and what changed, or book it as corrupt.

    Returns:
        What was booked.
    """
    delivery, letters = Delivery(landed, sha256), []
    try:
        frame, dead = _read(landed, context, delivery)
        letters = [sealed(seal_key, landed, one) for one in dead]
        contract.hold(_CONTRACTS[landed.kind], frame)
    except (UnreadableTableError, contract.ContractError) as error:
        delivery, frame, letters = Delivery(landed, sha256, problem=str(error)), None, []
    with transaction(con):
        [archive_id] = new_archive_ids(con, 1)
        book(con, {archive_id: delivery}, context.now)
        if letters:
            dead_letters.add(con, pl.DataFrame(letters, SEALED, orient="row"), {0: archive_id}, context.now)
        if frame is not None:
            _replace(con, landed, frame)
    return delivery


def _read(landed: Landed, context: Context, delivery: Delivery) -> tuple[pl.DataFrame, list[Dead]]:
    rows: list[dict[str, Any]] = []
    dead: list[Dead] = []
    for line, row in read_rows(landed.path, landed.kind):
        delivery.records += 1
        delivery.notes.update((name, CUT) for name in _NAMES[landed.kind] if is_too_long(row.get(name, "")))
        try:
            read = _read_one(landed, row, context)
        except DeadLetter as error:
            payload = ",".join(row.values()).encode("utf-8", "surrogateescape")
            dead.append(Dead(line, error.reason, payload))
            delivery.reasons[error.reason] += 1
            continue
        delivery.count("expired" if read is None else "loaded")
        rows += [{"file": landed.name, "line": line, **one} for one in read or []]
    frame = pl.DataFrame(rows, schema={"fx": _RATES, "ledger": _LEDGER, "spend": _SPEND}[landed.kind])
    if landed.kind == "fx":
        frame = frame.unique(["rate_on", "currency"], keep="last", maintain_order=True)
    return frame, dead


def _read_one(landed: Landed, row: Row, context: Context) -> list[dict[str, Any]] | None:
    if landed.kind == "fx":
        return read_rates(row)
    if landed.kind == "spend":
        return [{"platform": landed.name.split("/")[1], **read_spend(row, context)}]
    order = read_order(row, context)
    return None if order is None else [order]


def _replace(con: duckdb.DuckDBPyConnection, landed: Landed, frame: pl.DataFrame) -> None:
    table = _TABLES[landed.kind]
    of_file = "true" if landed.kind == "fx" else "file = $file"
    parameters = {} if landed.kind == "fx" else {"file": landed.name}
    con.register("delivered", frame.to_arrow())
    con.execute(f"create or replace temp table before as select * from {table} where {of_file}", parameters)
    con.execute("""
        create or replace temp table difference as
        (from before except from delivered) union all (from delivered except from before)""")
    is_spend = landed.kind == "spend"
    if is_spend:
        con.execute(_NAMED.format(name="named_before"))
    con.execute(f"delete from {table} where {of_file}", parameters)
    con.execute(f"insert into {table} by name from delivered")
    if is_spend:
        con.execute(_NAMED.format(name="named_after"))
    con.execute(f"insert into ops.changes {_CHANGES[landed.kind]}")
    con.unregister("delivered")


_CONTRACTS = {"spend": contract.SPEND, "ledger": contract.LEDGER, "fx": contract.RATES}
