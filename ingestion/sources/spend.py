"""Advertising cost: a table's rows as lines of cost of a platform's campaign and day."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl
import polars_hash

from ingestion.campaigns import campaign_number
from ingestion.money import MINOR_UNITS
from ingestion.sources import deleted, subtotals
from ingestion.sources.presets.plain import PERIODS
from ingestion.sources.tabular import cells, numbers
from ingestion.sources.tabular.headers import normalised
from ingestion.sources.tabular.read import REFUSED, Context, Read
from ingestion.sources.tabular.table import EXTRACTED_AT, Table, Verdicts, is_total
from privacy.redaction import LONGEST_BYTES, redact

NO_CAMPAIGN = "(none)"
EARLIEST = date(2000, 1, 1)  # what is before has lost its century, or is a spreadsheet's zero
ROWS = pl.Schema({
    "line": pl.Int64(), "account": pl.String(), "spend_on": pl.Date(), "campaign_id": pl.String(),
    "campaign_name": pl.String(), "channel": pl.String(), "impressions": pl.Int64(), "clicks": pl.Int64(),
    "spend_minor": pl.Int64(), "spend_rest": pl.Int64(), "currency": pl.String(), "row_hash": pl.UInt64(),
    "entity_hash": pl.UInt64(), "extracted_at": pl.String(),
})  # fmt: skip
_TEXTS = ("campaign_id", "campaign_name", "channel", "account", "currency")
_HASH_OF_EMPTY = 0xEF46DB3751D8E999
_MULTIPLIER = 0x9E3779B97F4A7C15  # odd, so that no cell's bits are lost
# What a connector writes of its own doing: rows that differ in nothing else are the same row, read again.
_OWN_DOING = ("_airbyte_raw_id", "_airbyte_ab_id", "_airbyte_meta", "_airbyte_generation_id", "_airbyte_normalized_at",
              "_airbyte_loaded_at", "_sdc_sequence", "_sdc_table_version", *deleted.MARKS)  # fmt: skip
# Where a row may say how long its period is, and the words for more than a day.
_DAYS = ("time_increment", "days", "number_of_days")
_GRAINS = ("granularity", "time_granularity", "date_granularity", "grain", "time_grain", "period", "reporting_period",
           "interval", *_DAYS)  # fmt: skip
_LONG_GRAINS = r"(?i)^(week|month|quarter|year|annual|life|all|total|hebdo|woche|monat|quartal|jahr)"
_LONG_INCREMENT = r"^([2-9]|[1-9]\d+)$"  # days
_ACCOUNT_NUMBER = re.compile(r"(?:act_)?(\d[\d -]*)(?:\.0+)?", re.ASCII)
_FEW = 1_000  # rows
_SPOKEN_DAY = re.compile(r"[A-Z][a-z]+ \d{1,2}, \d{4}")
_PERIOD = r"^\d{4}-\d\d$|^\d{4}-?W\d\d$|^\d{4}[-/]\d\d?[-/]\d\d?\s*(-|\u2013|to|\.\.|~|,)\s*\d{4}[-/]\d\d?[-/]\d\d?$"


def read_spend(table: Table, context: Context) -> Read:
    """Read every row: its cost exactly, or why it is refused. Rows of a campaign and day are not added up here."""
    deleted.without_worth(table)
    _leave_totals_out(table)
    with ThreadPoolExecutor(1) as beside:  # Polars works on one column without Python's lock
        hashes = beside.submit(_hashes, table)
        return _judged(table, context, hashes.result)


def _judged(table: Table, context: Context, hashes: Callable[[], dict[str, pl.Series]]) -> Read:
    days, day_text = table.dates("date")
    until, until_text = table.dates("date_until")
    texts = {name: table.text(name) for name in _TEXTS[:-1]} | {"currency": table.currency()}
    verdicts = table.verdicts(_TEXTS)
    money, problems, of_money = _money(table)
    verdicts.refuse_where(day_text.is_null(), "missing_field", table.named("date"))
    verdicts.refuse_where(money.is_null() & problems.is_null(), "missing_field", table.named(of_money))
    verdicts.refuse_where(texts["currency"].is_null(), "missing_field", table.named("currency"))
    ids, imprecise = cells.identifiers(texts["campaign_id"], table.distinct("campaign_id"))
    verdicts.refuse(imprecise, table.named("campaign_id"))
    _judge_days(table, verdicts, days, day_text, until, until_text, context)
    verdicts.refuse(problems, table.named(of_money))
    subtotals.refuse_repeated(table, verdicts, money)
    is_known = cells.by_distinct(texts["currency"], lambda code: code in MINOR_UNITS, pl.Boolean())
    verdicts.refuse_where(~is_known, "unknown_currency", table.named("currency"))
    verdicts.refuse(table.of_another_currency(of_money, texts["currency"]), table.named(of_money))
    is_good = verdicts.reason.is_null()
    frame = pl.DataFrame({
        "line": table.frame["line"], "spend_on": days, "money": money, "currency": texts["currency"],
        **_masked(table, ids, context),
        **{name: table.count(name) for name in ("impressions", "clicks")},
        **hashes(),
    })  # fmt: skip
    rows = _in_minor_units(frame.filter(is_good) if not is_good.all() else frame)
    refused = pl.DataFrame({
        "line": table.frame["line"], "reason": verdicts.reason, "column_name": verdicts.column, "day": days,
        "until": until.fill_null(days),
    }, schema=REFUSED).filter(~is_good)  # fmt: skip
    ahead = {table.named("date"): int((rows["spend_on"] > context.tomorrow).sum())}
    coarse = {table.named("date"): len(rows)} if _is_coarse(rows["spend_on"]) else {}
    return _counted_once(Read(table, rows, refused, ahead=ahead, coarse=coarse))


def _is_coarse(days: pl.Series) -> bool:
    """Whether the days may be those of sums of months or weeks: several firsts of a month, or one day of the week."""
    count = 0
    for some in (days.head(_FEW), days):  # the first rows almost always tell
        distinct = some.unique().sort()
        is_monthly = bool((distinct.dt.day() == 1).all())
        is_weekly = bool((distinct.diff().drop_nulls().dt.total_days() % 7 == 0).all())
        count = len(distinct)
        if not is_monthly and not is_weekly:
            return False
    return count > (2 if is_monthly else 3)


def _leave_totals_out(table: Table) -> None:
    """Rows that are sums: without a date, with no campaign other than "Total", or of others of their campaign."""
    days, _ = table.dates("date")
    table.without(table.undated_totals(days.is_null()))
    if table.known.preset.has_summary:
        table.without(subtotals.is_summary(table, _money(table)[0]))
    is_sum = [table.each(name, is_total, pl.Boolean()) for name in ("campaign_name", "campaign_id")]
    if any(one.any() for one in is_sum):
        says_so = is_sum[0].fill_null(False) | is_sum[1].fill_null(False)
        table.without(says_so & is_sum[0].fill_null(True) & is_sum[1].fill_null(True))
    table.without(subtotals.are_sums(table, lambda: _money(table)[0]))


def _money(table: Table) -> tuple[pl.Series, pl.Series, str]:
    """Each row's cost, its problem, and the column of ours that has it."""
    if table.known.places.get("spend") is None:
        return *table.amount("cost_micros", shift=-6), "cost_micros"
    money, problems = table.amount("spend")
    if table.known.places.get("cost_micros") is not None:
        micros, of_micros = table.amount("cost_micros", shift=-6)
        is_absent = money.is_null() & problems.is_null()
        money, problems = money.fill_null(micros), of_micros.zip_with(is_absent, problems)
    return money, problems, "spend"


def _judge_days(
    table: Table, verdicts: Verdicts, days: pl.Series, text: pl.Series, until: pl.Series, until_text: pl.Series,
    context: Context,
) -> None:  # fmt: skip
    if (days.is_null() & text.is_not_null()).any():
        is_period = text.str.contains(_PERIOD).fill_null(False)
        verdicts.refuse_where(is_period, "invalid_period", table.named("date"))
        verdicts.refuse_where(days.is_null() & ~is_period, "invalid_timestamp", table.named("date"))
    if normalised(table.named("date")) in map(normalised, PERIODS):
        verdicts.refuse_where(days.is_not_null(), "invalid_period", table.named("date"))
    if table.known.preset.has_days and until_text.is_null().all() and _is_whole_report(table, days):
        verdicts.refuse_where(days.is_not_null(), "invalid_period", table.named("date"))
    verdicts.refuse_where((days < EARLIEST).fill_null(False), "invalid_timestamp", table.named("date"))
    for name in _GRAINS:
        for place in table.known.header.places(name):
            long = f"{_LONG_GRAINS}|{_LONG_INCREMENT}" if name in _DAYS else _LONG_GRAINS
            is_longer = table.raw(place).str.strip_chars().str.contains(long).fill_null(False)
            verdicts.refuse_where(is_longer, "invalid_period", table.known.header.names[place])
    if until_text.is_not_null().any():
        is_odd = until_text.is_not_null() & until.is_null()
        verdicts.refuse_where(is_odd, "invalid_timestamp", table.named("date_until"))
        verdicts.refuse_where((until != days).fill_null(False), "invalid_period", table.named("date_until"))


def _is_whole_report(table: Table, days: pl.Series) -> bool:
    """Whether all rows begin with the report, which by the lines above them ends on a later day."""
    named = [cells.day_of(text) for text in _SPOKEN_DAY.findall(table.known.grid.above)]
    told = [day for day in named if day]
    return len(told) > 1 and max(told) > min(told) and set(days.drop_nulls()) == {min(told)}


def _hashes(table: Table) -> dict[str, pl.Series]:
    """Names of each row: as a whole, and without what it measures and when it was read. They hold across files."""
    names = table.known.header.names
    # A column without a name, such as the number of a row, tells rows apart; an empty one does not.
    is_there = [bool(name) or _has_text(table.frame[str(place)]) for place, name in enumerate(names)]
    order = sorted((normalised(name), str(place)) for place, name in enumerate(names) if is_there[place])
    extracted = {normalised(name) for name in EXTRACTED_AT}
    own = extracted | {normalised(name) for name in _OWN_DOING}
    read_at = [place for name, place in order if name in extracted]
    whole = _hashed(table, [place for name, place in order if name not in extracted])
    if not read_at:
        empty = pl.repeat(None, len(table.frame), dtype=pl.UInt64, eager=True)
        return {"row_hash": whole, "entity_hash": empty, "extracted_at": empty.cast(pl.String)}
    measures = {table.known.place(name) for name in ("spend", "cost_micros", "impressions", "clicks")}
    entity = [place for name, place in order if name not in own and int(place) not in measures]
    return {
        "row_hash": whole,
        "entity_hash": _hashed(table, entity),
        "extracted_at": table.frame.select(pl.coalesce(read_at)).to_series(),
    }


def _has_text(values: pl.Series) -> bool:
    return bool((values.str.strip_chars() != "").any())


def _hashed(table: Table, places: list[str]) -> pl.Series:
    """One number of each row's cells, in the order of `places`; an absent cell counts as an empty one."""
    joined = pl.lit(0, pl.UInt64)
    for place in places:
        of_cell = polars_hash.col(place).nchash.xxhash64()
        has_empty = table.frame[place].null_count() > 0
        joined = joined * _MULTIPLIER + (of_cell.fill_null(_HASH_OF_EMPTY) if has_empty else of_cell)
    return table.frame.lazy().select(joined.alias("hash")).collect(engine="streaming").to_series()


def _masked(table: Table, ids: pl.Series, context: Context) -> dict[str, pl.Series]:
    """What may be a person's: a number that is shaped like one is a pseudonym, and a name loses what is."""
    for name in ("campaign_id", "campaign_name", "channel"):
        is_long = table.distinct(name).str.len_bytes() > LONGEST_BYTES
        if is_long.any():
            table.cut[name] = int((table.text(name).str.len_bytes() > LONGEST_BYTES).sum())
    known = table.distinct("campaign_id") if ids is table.text("campaign_id") and not ids.null_count() else None
    by_name = ids.fill_null(table.text("campaign_name")).fill_null(NO_CAMPAIGN) if ids.null_count() else ids

    def number(text: str) -> str:
        return campaign_number(text, context.key)

    return {
        "campaign_id": cells.by_distinct(by_name, number, pl.String(), known),
        "account": table.each("account", lambda text: number(_account(text)), pl.String()),
        **{name: table.each(name, redact, pl.String()) for name in ("campaign_name", "channel")},
    }


def _account(text: str) -> str:
    """An account's number as its digits: a platform writes 123-456-7890 in one export and 1234567890 in another."""
    number = _ACCOUNT_NUMBER.fullmatch(text)
    return re.sub(r"\D", "", number[1]) if number else text


def _in_minor_units(frame: pl.DataFrame) -> pl.DataFrame:
    minor, rest = numbers.to_minor(frame["money"], frame["currency"])
    return frame.with_columns(minor.alias("spend_minor"), rest.alias("spend_rest")).select(ROWS.names())


def _counted_once(read: Read) -> Read:
    """Rows equal in every column count once; of rows alike but for their measures, those that were read last."""
    rows = read.rows
    newest = rows
    if rows["extracted_at"].is_not_null().any():
        read_at = pl.col("extracted_at").fill_null("")
        newest = rows.filter(read_at == read_at.max().over("entity_hash"))
        read.conflicting = len(rows) - len(newest)
    has_copies = newest["row_hash"].n_unique() < len(newest)
    once = newest.unique("row_hash", keep="first", maintain_order=True) if has_copies else newest
    read.duplicates = len(rows) - len(once)
    read.rows = once
    return read
