"""Commit a file of spend, ledger or reference rates: its rows replace those of the file's last delivery."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import duckdb
import polars as pl

from ingestion import contract, dead_letters, table_books
from ingestion.archives import Dead
from ingestion.books import Delivery, Failover, book, new_archive_ids, transaction
from ingestion.dead_letters import SEALED, sealed
from ingestion.landing import Landed
from ingestion.notes import ADDED_UP, CAPPED, COARSE, CUT, ODD, TO_COME, TOTAL, UNREAD_SHEET
from ingestion.sources import fx, ledger, spend
from ingestion.sources.tabular.grids import UnreadableTableError
from ingestion.sources.tabular.read import Context, Read
from ingestion.sources.tabular.table import read_table
from privacy.keys import Key
from settings import Source

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
# What a campaign is and was called, and which channel it belongs to now: for those alone that the file speaks of.
_NAMED = """
    create or replace temp table {name} as
    select platform, campaign_id, struct_pack(
        latest := arg_max(
            {{'name': campaign_name, 'channel': channel}},
            {{'on': spend_on, 'file': coalesce(delivery_order, file), 'line': line}}),
        names := list_sort(list_distinct(list(lower(campaign_name))))) as meaning
    from raw.spend semi join difference using (platform, campaign_id) group by all"""
_TABLES = {"spend": "raw.spend", "ledger": "raw.ledger_orders", "fx": "raw.fx_rates"}
_CONTRACTS = {"spend": contract.spend, "ledger": contract.ledger, "fx": contract.rates}
_DIGITS = 12  # of a number in a name, filled up with zeros
_ENDING = re.compile(r"((?:\.[A-Za-z][A-Za-z0-9]*)+)$", re.ASCII)


@dataclass
class _Content:
    """What a file gives: its rows as the raw table has them, and what goes into the books."""

    rows: pl.DataFrame
    refused: pl.DataFrame
    cells: pl.DataFrame  # of all rows, as text
    fates: dict[str, int]
    conflicting: int = 0
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)  # see ingestion.notes


def load_table(
    con: duckdb.DuckDBPyConnection, landed: Landed, sha256: str, context: Context, seal_key: Key, source: Source,
    failover: Failover | None = None,
) -> Delivery | None:  # fmt: skip
    """Read the file and commit its rows, its books and what changed, or book it as corrupt.

    Args:
        failover: where it is the replica's copy.

    Returns:
        What was booked; None where the file is corrupt for the reason that is booked already.

    Raises:
        UnknownValueError: the configured preset does not exist.
    """
    try:
        content = _read(landed, context, source)
        contract.hold(_CONTRACTS[landed.kind](), content.rows)
    except (UnreadableTableError, contract.ContractError) as error:
        return _book_corrupt(con, Delivery(landed, sha256, problem=str(error), failover=failover), context)
    delivery = Delivery(landed, sha256, None, len(content.refused) + sum(content.fates.values()), content.fates)
    delivery.conflicting, delivery.reasons = content.conflicting, Counter(content.refused["reason"].to_list())
    delivery.notes, delivery.failover = content.notes, failover
    letters = [sealed(seal_key, landed, one) for one in _dead(content)]
    with transaction(con):
        [archive_id] = new_archive_ids(con, 1)
        book(con, {archive_id: delivery}, context.now)
        if letters:
            dead_letters.add(con, pl.DataFrame(letters, SEALED, orient="row"), {0: archive_id}, context.now)
        covered = _days(content.rows, landed, context)
        table_books.book_refused(
            con, archive_id, landed.kind, content.refused, table_books.missing_by_day(content.refused, covered)
        )
        _replace(con, landed.kind, landed.name, content.rows)
    return delivery


def _book_corrupt(con: duckdb.DuckDBPyConnection, delivery: Delivery, context: Context) -> Delivery | None:
    last = con.execute(
        "select sha256, state, problem from ops.archives where name = ? order by archive_id desc limit 1",
        [delivery.landed.name],
    ).fetchone()
    if last == (delivery.sha256, "corrupt", delivery.problem):
        return None
    with transaction(con):
        book(con, {new_archive_ids(con, 1)[0]: delivery}, context.now)
    return delivery


def take_out(con: duckdb.DuckDBPyConnection, kind: str, name: str) -> int:
    """Delete a file's rows, and leave what that changes for the planner. Call it in the transaction that books it.

    Returns:
        How many rows there were.
    """
    table = _TABLES[kind]
    rows: int = con.execute(f"select count(*) from {table} where file = ?", [name]).fetchall()[0][0]
    none = con.execute(f"select * from {table} limit 0").pl()
    missing = con.execute(f"select day from ({table_books.REFUSED_DAYS}) where name = ?", [name]).fetchall()
    _replace(con, kind, name, none)
    what = "spend" if kind == "spend" else "refused"
    for (day,) in missing:
        con.execute("insert into ops.changes values (?, ?, null)", [what, day])
    return rows


def source_name(landed: Landed) -> str:
    """The key under ``sources:`` in the configuration that speaks of the file."""
    return "/".join(landed.name.split("/")[:2]) if landed.kind == "spend" else landed.kind


def _read(landed: Landed, context: Context, source: Source) -> _Content:
    if landed.kind == "fx":
        rates = fx.read_rates(landed.path)
        fates = {"loaded": rates.records - len(rates.refused)}
        notes = Counter({(currency, ODD): cells for currency, cells in rates.odd.items()})
        return _Content(rates.rows, rates.refused, rates.frame, fates, notes=notes)
    table = read_table(landed.path, landed.kind, source_name(landed), source)
    read = (spend.read_spend if landed.kind == "spend" else ledger.read_ledger)(table, context)
    rows = read.rows.with_columns(pl.lit(landed.name).alias("file"))
    if landed.kind == "spend":
        rows = rows.with_columns(**_delivery(landed))
    fates = {"loaded": len(read.rows), "expired": read.expired, "duplicate": read.duplicates}
    notes = Counter({(column, ODD): cells for column, cells in table.odd.items()})
    notes.update({(column, CAPPED): rows for column, rows in read.capped.items()})
    notes.update({(column, TO_COME): rows for column, rows in read.ahead.items()})
    notes.update({(column, COARSE): rows for column, rows in read.coarse.items()})
    notes.update({("", TOTAL): table.totals, ("", ADDED_UP): _added_up(read) if landed.kind == "spend" else 0})
    notes.update({(sheet, UNREAD_SHEET): 1 for sheet in table.known.unread_sheets})
    notes.update({(table.named(name), CUT): rows for name, rows in table.cut.items()})
    return _Content(rows, read.refused, table.frame, fates, read.conflicting, notes)


def _delivery(landed: Landed) -> dict[str, pl.Expr]:
    """Which delivery the file is or belongs to: those of one folder below the platform's are one."""
    folder, _, _ = landed.name.rpartition("/")
    name = landed.name if folder.count("/") == 1 else folder
    return {"platform": pl.lit(landed.name.split("/")[1]), "delivery": pl.lit(name),
            "delivery_order": pl.lit(natural_order(name))}  # fmt: skip


def natural_order(name: str) -> str:
    """A text that sorts as people count: ``export_9`` before ``export_10``.

    A name comes before those that begin with it, ``a.csv`` before ``a (1).csv``, ``a-2.csv`` and ``a copy.csv``, as
    browsers and desktops call what came later. The models' macro of that name says the same.
    """
    plain = _ENDING.sub("\x02\\1", name.replace("/", "\x01"))
    return re.sub(r"[0-9]+", lambda digits: digits[0].lstrip("0").zfill(_DIGITS), plain)


def _added_up(read: Read) -> int:
    """How many rows of cost are a further part of an account's, a campaign's day."""
    grain = ["account", "spend_on", "campaign_id"]
    return len(read.rows) - (read.rows.select(grain).n_unique() if len(read.rows) else 0)


def _days(rows: pl.DataFrame, landed: Landed, context: Context) -> pl.Series:
    """The days that a file's rows are of."""
    if landed.kind == "spend":
        return rows["spend_on"].unique()
    if landed.kind == "fx":
        return rows["rate_on"].clear()  # a day without a rate has the one before it
    local = rows["ordered_at"].dt.replace_time_zone("UTC").dt.convert_time_zone(context.timezone)
    return local.dt.date().unique()


def _dead(content: _Content) -> list[Dead]:
    if content.refused.is_empty():
        return []
    refused = content.refused.select("line", "reason", "column_name").iter_rows()
    reasons = {line: (reason, column) for line, reason, column in refused}
    lines = content.cells.filter(pl.col("line").is_in(content.refused["line"].implode()))
    return [
        Dead(line, reasons[line][0], ",".join(cell or "" for cell in cells).encode(), field=reasons[line][1] or "")
        for line, cells in zip(lines["line"], lines.drop("line").iter_rows(), strict=True)
    ]


def _replace(con: duckdb.DuckDBPyConnection, kind: str, name: str, frame: pl.DataFrame) -> None:
    table = _TABLES[kind]
    of_file = "true" if kind == "fx" else "file = $file"
    parameters = {} if kind == "fx" else {"file": name}
    con.register("delivered", frame.to_arrow())
    columns = ", ".join(frame.columns)
    con.execute(f"create or replace temp table before as select {columns} from {table} where {of_file}", parameters)
    con.execute("""
        create or replace temp table difference as
        (from before except from delivered) union all (from delivered except from before)""")
    is_spend = kind == "spend"
    if is_spend:
        con.execute(_NAMED.format(name="named_before"))
    con.execute(f"delete from {table} where {of_file}", parameters)
    con.execute(f"insert into {table} by name from delivered")
    if is_spend:
        con.execute(_NAMED.format(name="named_after"))
    con.execute(f"insert into ops.changes {_CHANGES[kind]}")
    con.unregister("delivered")
