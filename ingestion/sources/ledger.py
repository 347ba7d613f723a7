"""The ledger: a table's rows as orders, the truth about money."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import polars_hash

from ingestion.boundary import order_number
from ingestion.money import MINOR_UNITS
from ingestion.sources import deleted, order_lines, postings
from ingestion.sources.tabular import cells, numbers
from ingestion.sources.tabular.read import REFUSED, Context, Read
from ingestion.sources.tabular.table import Table, Verdicts, is_total

STATUSES = ("completed", "refunded", "partially_refunded", "cancelled")
ROWS = pl.Schema({
    "line": pl.Int64(), "order_id": pl.String(), "ordered_at": pl.Datetime("us"), "status": pl.String(),
    "revenue_minor": pl.Int64(), "refunded_minor": pl.Int64(), "cogs_minor": pl.Int64(), "currency": pl.String(),
    "updated_at": pl.Datetime("us"), "item_hash": pl.UInt64(), "posting": pl.String(), "paid_minor": pl.Int64(),
})  # fmt: skip
# Other words for them, in a ledger that is no tool's.
_SPELLINGS = {
    "complete": "completed", "voided": "refunded", "charge back": "refunded", "chargeback": "refunded",
    "charged back": "refunded", "partial refund": "partially_refunded", "canceled": "cancelled",
}  # fmt: skip
# Where a table may say what kind of document a row is, and the words for one that gives back.
_KINDS = ("type", "document_type", "doc_type", "transaction_type", "kind", "row_type", "belegart", "vorgang")
_CREDIT = r"(?i)^(credit|refund|return|gutschrift|storno|rückerstattung|avoir|abono|nota di credito)"
_OPTIONAL = ("refunded", "cogs", "total", "refunded_total")
_GIVEN_BACK = ("refunded", "refunded_total")


def read_ledger(table: Table, context: Context) -> Read:
    """Read every row: its money exactly, or why it is refused. Rows past the ledger's retention are `expired`.

    An item of an order has an `item_hash`, and so has a posting, which is a payment or a return; neither is added up
    here. Negative revenue is a credit note.
    """
    timezone = "UTC" if table.known.preset.is_utc else context.timezone
    deleted.without_worth(table)
    order_lines.complete(table)
    table.without(table.undated_totals(table.text("ordered_at").is_null()))
    table.without(table.each("order_id", _is_sum, pl.Boolean()).fill_null(False))
    repeated = _without_repeated_items(table)
    frame, verdicts = _judged(table, timezone)
    verdicts.refuse_where(_is_ambiguous(frame, verdicts.reason.is_null()), "ambiguous_rows", table.named("revenue"))
    is_good = verdicts.reason.is_null()
    local = _local(frame, context)
    refused = pl.DataFrame({
        "line": frame["line"], "reason": verdicts.reason, "column_name": verdicts.column,
        "day": local, "until": local,
    }, schema=REFUSED).filter(~is_good)  # fmt: skip
    kept = frame.filter(is_good)
    current = kept.filter(kept["ordered_at"] >= context.now - timedelta(days=context.ledger_days))
    rows = _masked(current, context)
    is_above = (rows["refunded_minor"] > rows["revenue_minor"]) & (rows["revenue_minor"] >= 0)
    return Read(
        table, rows, refused, expired=len(kept) - len(current), duplicates=repeated,
        capped={table.named("refunded"): int(is_above.sum())},
        ahead={table.named("ordered_at"): int((_local(rows, context) > context.tomorrow).sum())},
    )  # fmt: skip


def _is_sum(order_id: str) -> bool:
    """Whether the cell names a sum, and is no number of an order that begins like one: SUM-1001."""
    return is_total(order_id) and not any(map(str.isdigit, order_id))


def _local(frame: pl.DataFrame, context: Context) -> pl.Series:
    """The day of each order in the region's time zone."""
    moments = frame["ordered_at"].dt.replace_time_zone("UTC").dt.convert_time_zone(context.timezone)
    return moments.dt.date()


def _judged(table: Table, timezone: str) -> tuple[pl.DataFrame, Verdicts]:
    """The rows by our columns, and which of them cannot be read by themselves."""
    ordered_at, ordered_text = table.moments("ordered_at", timezone)
    updated_at, updated_text = table.moments("updated_at", timezone)
    status, status_text = _status(table)
    revenue, problems = table.amount("revenue")
    order_id, currency = table.text("order_id"), table.currency()
    ids, imprecise = cells.identifiers(order_id, table.distinct("order_id"))
    verdicts = table.verdicts(["order_id", "currency"])
    said = {"order_id": order_id, "ordered_at": ordered_text, "status": status_text, "currency": currency,
            "revenue": revenue.cast(pl.String).fill_null(problems), "updated_at": updated_text}  # fmt: skip
    for name, values in said.items():
        if name not in table.known.preset.optional:
            verdicts.refuse_where(values.is_null(), "missing_field", table.named(name))
    verdicts.refuse(imprecise, table.named("order_id"))
    verdicts.refuse_where(status.is_null(), "unknown_status", table.named("status"))
    verdicts.refuse_where(ordered_at.is_null(), "invalid_timestamp", table.named("ordered_at"))
    is_odd = updated_text.is_not_null() & updated_at.is_null()
    verdicts.refuse_where(is_odd, "invalid_timestamp", table.named("updated_at"))
    verdicts.refuse(problems, table.named("revenue"))
    is_unknown = ~currency.is_in(list(MINOR_UNITS)).fill_null(True)
    verdicts.refuse_where(is_unknown, "unknown_currency", table.named("currency"))
    verdicts.refuse(table.of_another_currency("revenue", currency), table.named("revenue"))
    _refuse_silent_refunds(table, verdicts, status)
    _refuse_unsigned_credits(table, verdicts, revenue)
    return pl.DataFrame({
        "line": table.frame["line"], "order_id": ids, "ordered_at": ordered_at, "status": status,
        "revenue": revenue, **{name: _optional(table, name) for name in _OPTIONAL}, "currency": currency,
        "updated_at": updated_at.fill_null(ordered_at), "item_hash": _items(table), "posting": postings.kinds(table),
    }), verdicts  # fmt: skip


def _refuse_silent_refunds(table: Table, verdicts: Verdicts, status: pl.Series) -> None:
    """Refuse a part given back of which nothing says how much, where the tool or the file has a column for it.

    In a plain table without one, credit notes may say it. Of an amount with tax in it the order's total has to tell the
    goods' part.
    """
    preset = table.known.preset
    known = table.known.places if preset.name == "plain_ledger" else preset.columns
    if names := [name for name in _GIVEN_BACK if name in known]:
        is_silent = (status == "partially_refunded").fill_null(False)
        for name in names:
            is_silent &= table.is_absent(name)
        verdicts.refuse_where(is_silent, "missing_field", table.named(names[0]))
    if table.known.place("refunded_total") is not None:
        given_back, total = (table.amount(name)[0] for name in ("refunded_total", "total"))
        is_alone = (given_back != 0) & total.is_null() & table.is_absent("refunded") & (status != "refunded")
        verdicts.refuse_where(is_alone.fill_null(False), "missing_field", table.named("total"))


def _refuse_unsigned_credits(table: Table, verdicts: Verdicts, revenue: pl.Series) -> None:
    """Refuse what a column of its own calls a credit note: its amount would take the place of its order's."""
    if table.known.preset.name != "plain_ledger":
        return
    for place in (found for name in _KINDS for found in table.known.header.places(name)):
        is_credit = table.raw(place).str.strip_chars().str.contains(_CREDIT).fill_null(False)
        if is_credit.any() and place not in table.known.places.values():
            is_silent = table.amount("refunded")[0].fill_null(0) == 0
            is_unsigned = (is_credit & is_silent & (revenue > 0)).fill_null(False)
            verdicts.refuse_where(is_unsigned, "unsigned_credit", table.known.header.names[place])


def _without_repeated_items(table: Table) -> int:
    """Leave out the items that are equal to another in every column; returns how many there were."""
    if _items(table).null_count() == len(table.frame):
        return 0
    before = len(table.frame)
    table.frame = table.frame.unique(pl.exclude("line"), keep="first", maintain_order=True)
    return before - len(table.frame)


def _items(table: Table) -> pl.Series:
    """Which item of its order a row is; null where a row is an order."""
    if table.known.place("line_item_id") is None:
        is_item = table.known.preset.has_lines
        return pl.Series("item_hash", [0 if is_item else None], pl.UInt64).new_from_index(0, len(table.frame))
    text = table.text("line_item_id").fill_null("")
    return text.to_frame("text").select(polars_hash.col("text").nchash.xxhash64()).to_series()


def _is_ambiguous(frame: pl.DataFrame, is_good: pl.Series) -> pl.Series:
    """Rows of one order and update that give different money, and items of one order in different currencies."""
    number = pl.col("order_id").str.strip_prefix("#").str.strip_chars().str.to_lowercase()  # as it is compared
    order = [number, "ordered_at"]
    given_back = pl.coalesce("refunded", "refunded_total").fill_null(0)
    # What the status alone changes: an order that is cancelled is worth nothing, one given back whole its revenue.
    effect = (
        pl.when(pl.col("status") == "cancelled").then(pl.lit("none"))
        .when((pl.col("status") == "refunded") & (given_back == 0)).then(pl.lit("all"))
    )  # fmt: skip
    says = pl.struct("revenue", "refunded", "cogs", "total", "refunded_total", "currency", effect.alias("effect"))
    is_order = pl.col("item_hash").is_null() & (pl.col("revenue") >= 0)
    versions = says.filter(is_order & pl.col("is_good")).n_unique().over(number, "updated_at")
    currencies = pl.col("currency").filter(pl.col("is_good")).n_unique().over(order)
    is_unclear = pl.when(pl.col("item_hash").is_null()).then(is_order & (versions > 1)).otherwise(currencies > 1)
    return frame.with_columns(is_good.alias("is_good")).select(is_unclear.fill_null(False)).to_series()


def _status(table: Table) -> tuple[pl.Series, pl.Series]:
    """Each row's status in our words, and its text; where the export has none, a row is a completed order."""
    if table.known.place("status") is None:
        done = pl.repeat("completed", len(table.frame), dtype=pl.String, eager=True)
        return done, done
    words = known_statuses(table)
    return table.each("status", lambda word: words.get(_spelled(word)), pl.String()), table.text("status")


def known_statuses(table: Table) -> dict[str, str]:
    """What each word for a status means here, in ours; those of the tool and of the configuration go before."""
    words = {name: name for name in STATUSES} | (_SPELLINGS if table.known.preset.name == "plain_ledger" else {})
    words |= dict(table.known.preset.status) | dict(table.source.status)
    return {_spelled(theirs): ours for theirs, ours in words.items()}


def _spelled(word: str) -> str:
    return word.strip().lower().replace(" ", "_").replace("-", "_")


def _optional(table: Table, name: str) -> pl.Series:
    """An amount that may be absent; an odd one is, and counts as noted. Some write what was given back with a minus."""
    found, problems = table.amount(name)
    if name in _GIVEN_BACK:
        found = found.abs()
    is_return = name == "total" and table.known.preset.postings != ""
    is_odd = problems.is_not_null() | ((found < 0).fill_null(False) & (not is_return))
    table.note(name, int(is_odd.sum()))
    return found.zip_with(~is_odd, pl.repeat(None, len(found), dtype=pl.Int128, eager=True))


def _masked(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    minor = {name: numbers.to_minor(frame[name], frame["currency"])[0] for name in ("revenue", *_OPTIONAL)}
    return frame.with_columns(
        cells.by_distinct(frame["order_id"], lambda text: order_number(text, context.key), pl.String()),
        minor["revenue"].alias("revenue_minor"),
        _refunded(frame["status"], pl.DataFrame(minor)).alias("refunded_minor"),
        minor["cogs"].alias("cogs_minor"),
        postings.paid(minor).alias("paid_minor"),
    ).select(ROWS.names())


def _refunded(status: pl.Series, minor: pl.DataFrame) -> pl.Series:
    """What was given back of the revenue, in minor units.

    Of an amount with tax and shipping in it that is the goods' part of the order. Refunded without an amount means all
    of it. A credit note gives back by its revenue, and no more.
    """
    wide = [pl.col(name).cast(pl.Int128) for name in ("refunded_total", "revenue", "total")]
    of_goods = _half_even(wide[0] * wide[1], wide[2])
    is_whole = (status == "refunded").alias("is_whole")
    found = pl.coalesce("refunded", pl.when(pl.col("total") > 0).then(of_goods), pl.lit(0)).cast(pl.Int64)
    return minor.with_columns(is_whole).select(
        pl.when(pl.col("revenue") < 0).then(0)
        .when(pl.col("is_whole") & (found == 0)).then(pl.col("revenue"))
        .otherwise(found)
    ).to_series()  # fmt: skip


def _half_even(dividend: pl.Expr, divisor: pl.Expr) -> pl.Expr:
    quotient = dividend // divisor
    twice = (dividend - quotient * divisor) * 2
    return quotient + ((twice > divisor) | ((twice == divisor) & (quotient % 2 != 0))).cast(pl.Int128)
