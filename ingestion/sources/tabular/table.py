"""A table that is understood: its rows as text by our columns, and the verdict on each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ingestion.money import MINOR_UNITS
from ingestion.sources.tabular import cells, numbers
from ingestion.sources.tabular.grids import grids
from ingestion.sources.tabular.headers import told_currency
from ingestion.sources.tabular.recognise import Parts, Recognised, recognise
from ingestion.spelled import contradicts
from ingestion.zone import File
from settings import Source

_TOTAL = re.compile(
    r"((grand|sub|overall)[ -]?)?(total|totals|summe|gesamt|gesamtsumme|insgesamt|totale|totaal|totalt)"
    r"( of \d+ (results?|rows?)| general| général)?\s*([:\-\u2013\u2014(].*)?"
    r"|(sum|suma|somma|zusammen|итого|всего|合计|总计|合計)\s*:?",
    re.IGNORECASE,
)
_MONEY = ("spend", "revenue", "refunded", "cogs", "total", "refunded_total")
_BLANK = r"^[\s\u00a0]*$"
# What connectors write into each row anew whenever they read it; of `updated_at` and these the newest row stands.
EXTRACTED_AT = (
    "_airbyte_extracted_at", "_airbyte_emitted_at", "_fivetran_synced", "_sdc_extracted_at", "_sdc_batched_at",
    "_sdc_received_at", "extracted_at", "synced_at", "updated_at",
)  # fmt: skip


def is_total(text: str | None) -> bool:
    """Whether a cell names the sum of the rows above it."""
    return text is not None and _TOTAL.fullmatch(text.strip()) is not None


class Verdicts:
    """Of each row, the first reason why it is refused, and the column that is to blame, in the file's own words."""

    def __init__(self, length: int) -> None:
        self.reason = pl.repeat(None, length, dtype=pl.String, eager=True)
        self.column = pl.repeat(None, length, dtype=pl.String, eager=True)

    def refuse(self, problems: pl.Series, column: str) -> None:
        """Refuse the rows that have a problem; a reason found before stands."""
        if problems.null_count() == len(problems):
            return
        is_first = self.reason.is_null() & problems.is_not_null()
        self.reason = self.reason.fill_null(problems)
        chosen = pl.when(is_first).then(pl.lit(column)).otherwise(pl.col("column"))
        self.column = self.column.to_frame("column").select(chosen.alias("column")).to_series()

    def refuse_where(self, is_bad: pl.Series, reason: str, column: str) -> None:
        """Refuse the rows for one reason; the same holds for those that have one already."""
        if is_bad.any():
            problem = pl.when(pl.col("is_bad")).then(pl.lit(reason))
            self.refuse(is_bad.to_frame("is_bad").select(problem.alias("problem")).to_series(), column)


@dataclass
class Table:
    """A file's rows, without blank and total lines.

    ``frame`` has the file's cells as text in columns ``0``, ``1``, …, ``extra`` and ``line``.
    """

    known: Recognised
    source: Source
    frame: pl.DataFrame
    totals: int = 0  # lines that were sums of others
    odd: dict[str, int] = field(default_factory=dict)  # optional cells that count as absent, by column
    cut: dict[str, int] = field(default_factory=dict)  # cells over 1 KiB, by our column
    _read: dict[tuple[str, str], pl.Series] = field(default_factory=dict, repr=False)
    _read_of: pl.DataFrame | None = field(default=None, repr=False)

    @property
    def decimal(self) -> str | None:
        return self.source.decimal or self.known.preset.decimal

    def named(self, ours: str) -> str:
        """What the file calls a column, or would if it had it."""
        place = self.known.places.get(ours)
        if isinstance(place, Parts):
            return " + ".join(self.known.header.names[one] for one in place.plus)
        if place is None:
            theirs = self.known.preset.columns.get(ours)
            return theirs if isinstance(theirs, str) else ours
        return self.known.header.names[place]

    def text(self, ours: str) -> pl.Series:
        """A column's trimmed cells, null where there is nothing or no such column."""
        place = self.known.place(ours)
        if place is None:
            return self._nothing(pl.String())
        return self._once("text", ours, lambda: cells.texts(self.raw(place), self._distinct_raw(ours, place)))

    def _distinct_raw(self, ours: str, place: int) -> pl.Series:
        return self._once("distinct cells", ours, lambda: cells.distinct_of(self.raw(place)))

    def distinct(self, ours: str) -> pl.Series:
        """What :meth:`text` has, each once."""
        text, place = self.text(ours), self.known.place(ours)
        if place is not None and text is self.raw(place):  # to tell values apart takes longest
            return self._distinct_raw(ours, place)
        return self._once("distinct", ours, lambda: cells.distinct_of(text))

    def each(self, ours: str, function: Callable[[str], Any], kind: pl.DataType) -> pl.Series:
        """`function` of a column's text; null where there is none."""
        return cells.by_distinct(self.text(ours), function, kind, self.distinct(ours))

    def _once(self, what: str, ours: str, read: Callable[[], pl.Series]) -> pl.Series:
        """A column that is read again only after rows were left out."""
        if self._read_of is not self.frame:
            self._read_of, self._read = self.frame, {}
        if (what, ours) not in self._read:
            self._read[what, ours] = read()
        return self._read[what, ours]

    def raw(self, place: int) -> pl.Series:
        return self._once("raw", str(place), lambda: self.frame[str(place)])

    def amount(self, ours: str, shift: int = 0) -> tuple[pl.Series, pl.Series]:
        """A column's money in units of 10^-12, null where it is absent or a problem; and the problems.

        Of several columns that make it up an absent cell counts as 0, but where all are absent so is the amount.
        """
        place = self.known.places.get(ours)
        if place is None:
            return self._nothing(pl.Int128()), self._nothing(pl.String())
        if isinstance(place, int):
            return self._money(place, shift)
        total, problems = self._money(place.plus[0], shift)
        is_there, total = total.is_not_null(), total.fill_null(0)
        for one in (*place.plus[1:], *place.minus):
            value, problem = self._money(one, shift)
            total = total + value.fill_null(0) if one in place.plus else total - value.fill_null(0)
            problems = problems.fill_null(problem)
            if one in place.plus:
                is_there |= value.is_not_null()
        return total.zip_with(is_there & problems.is_null(), self._nothing(pl.Int128())), problems

    def is_absent(self, ours: str) -> pl.Series:
        """Where a column of money, or all that make it up, have nothing."""
        found, problems = self.amount(ours)
        return found.is_null() & problems.is_null()

    def _money(self, place: int, shift: int) -> tuple[pl.Series, pl.Series]:
        is_open = not self.decimal and self.known.grid.is_text and self._is_point_open(place)
        found, problems = numbers.amounts(self.raw(place), self.decimal, shift, is_open)
        if problems.null_count() == len(problems):
            return found, problems
        is_absent = cells.texts(self.raw(place).filter(problems.is_not_null())).is_null()
        absent = pl.repeat(False, len(problems), eager=True).scatter(problems.is_not_null().arg_true(), is_absent)
        return found, problems.zip_with(~absent, self._nothing(pl.String()))

    def _is_point_open(self, place: int) -> bool:
        """Whether neither this column nor another with money tells that a point parts off decimals.

        Where commas separate the cells, or the currency has three decimals, all amounts may have three.
        """
        if numbers.has_decimal_point(self.raw(place)) or not self.raw(place).str.contains(".", literal=True).any():
            return False
        others: list[int] = []
        for ours in _MONEY:
            other = self.known.places.get(ours)
            others += [other] if isinstance(other, int) else [*other.plus, *other.minus] if other else []
        if any(numbers.has_decimal_point(self.raw(one)) for one in others):
            return False
        codes = {*self.distinct("currency"), *([self.known.currency] if self.known.currency else [])}
        has_thousandths = bool(codes) and all(MINOR_UNITS.get(code.upper()) == 3 for code in codes)
        if not has_thousandths and not self.known.grid.has_commas:
            return True
        return any(numbers.has_groups_or_none(self.raw(one)) for one in (place, *others))

    def of_another_currency(self, ours: str, currency: pl.Series) -> pl.Series:
        """Why an amount cannot be in its row's currency: its sign, the header's bracket, or thousands of a yen."""
        place = self.known.places.get(ours)
        problems = self._nothing(pl.String())
        for one in (place,) if isinstance(place, int) else place.plus if place else ():
            texts = self.raw(one)
            signs = numbers.spoken_currencies(texts)
            if bracket := told_currency(self.known.header.names[one]):
                signs = (self._nothing(pl.String()) if signs is None else signs).fill_null(bracket)
            if signs is not None:
                problems = problems.fill_null(_conflicts(signs, currency))
            if not self.decimal and self.known.grid.is_text:
                whole = [code for code in currency.drop_nulls().unique() if MINOR_UNITS.get(code) == 0]
                is_unclear = currency.is_in(whole).fill_null(False) & numbers.is_in_thousands(texts) if whole else None
                if is_unclear is not None and is_unclear.any():
                    problems = problems.zip_with(~is_unclear, pl.Series(["ambiguous_number"]))
        return problems

    def count(self, ours: str) -> pl.Series:
        """A column of whole numbers; an odd cell is null, and counted as noted."""
        place = self.known.place(ours)
        if place is None:
            return self._nothing(pl.Int64())
        found, is_odd = numbers.counts(self.raw(place), self.decimal)
        if is_odd.any():
            self.note(ours, int(cells.texts(self.raw(place).filter(is_odd)).is_not_null().sum()))
        return found

    def note(self, ours: str, count: int) -> None:
        """Count optional cells that are there and mean nothing."""
        if count:
            self.odd[self.named(ours)] = self.odd.get(self.named(ours), 0) + count

    def dates(self, ours: str) -> tuple[pl.Series, pl.Series]:
        """A column's days, and its text."""
        text = self._spelled_days(ours)
        is_only = self.source.date_format is not None
        distinct = self.distinct(ours) if text is self.text(ours) else None
        read = lambda: cells.dates(text, self._formats, is_only, distinct)  # noqa: E731
        return self._once("dates", ours, read), text

    def moments(self, ours: str, timezone: str) -> tuple[pl.Series, pl.Series]:
        """A column's moments as naive UTC, and its text."""
        text = self._spelled_days(ours)
        return cells.moments(text, timezone, self._formats, self.source.date_format is not None), text

    def _spelled_days(self, ours: str) -> pl.Series:
        """A column's text, in which a workbook may have dates as numbers."""
        text, day_zero = self.text(ours), self.known.grid.day_zero
        return text if day_zero is None else cells.of_serials(text, day_zero, self.distinct(ours))

    @property
    def _formats(self) -> Sequence[str]:
        return (self.source.date_format,) if self.source.date_format else self.known.preset.date_formats

    def currency(self) -> pl.Series:
        """Each row's currency in upper case: its column's, else that of the header or the configuration."""
        found = self.each("currency", str.upper, pl.String())
        return found.fill_null(self.known.currency.upper()) if self.known.currency else found

    def without(self, is_left_out: pl.Series) -> None:
        """Leave rows out that are sums of others."""
        self.totals += int(is_left_out.sum())
        if is_left_out.any():
            self.frame = self.frame.filter(~is_left_out)

    def undated_totals(self, is_undated: pl.Series) -> pl.Series:
        """Of the rows without a date, those that name a sum, and the lines that the tool writes below its rows."""
        doubtful = self.frame.filter(is_undated)
        if doubtful.is_empty():
            return is_undated
        footers = tuple(one.lower() for one in self.known.preset.footers)
        found = [
            any(map(is_total, row))
            or (bool(footers) and next(filter(None, row), "").strip().lower().startswith(footers))
            for row in doubtful.drop("line", "extra").iter_rows()
        ]
        return pl.repeat(False, len(is_undated), eager=True).scatter(is_undated.arg_true(), pl.Series(found))

    def verdicts(self, columns: Iterable[str]) -> Verdicts:
        """Start judging: rows with more cells than there are columns, and text that was not in the file's encoding."""
        verdicts = Verdicts(len(self.frame))
        extra = self.frame["extra"]
        if extra.null_count() < len(extra):
            verdicts.refuse_where(
                ~extra.str.contains(_BLANK).fill_null(True), "malformed_row", "beyond the last column"
            )
        for ours in columns:
            if self.distinct(ours).str.contains("\ufffd", literal=True).any():
                is_broken = self.text(ours).str.contains("\ufffd", literal=True).fill_null(False)
                verdicts.refuse_where(is_broken, "invalid_encoding", self.named(ours))
        return verdicts

    def _nothing(self, kind: pl.DataType) -> pl.Series:
        return pl.repeat(None, len(self.frame), dtype=kind, eager=True)


def _conflicts(signs: pl.Series, currency: pl.Series) -> pl.Series:
    pairs = pl.DataFrame({"sign": signs, "currency": currency}).drop_nulls().unique()
    wrong = pairs.filter([contradicts(sign, code) for sign, code in pairs.iter_rows()])
    told = wrong.with_columns(pl.lit("currency_conflict").alias("problem"))
    both = pl.DataFrame({"sign": signs, "currency": currency})
    return both.join(told, on=["sign", "currency"], how="left", maintain_order="left")["problem"]


def read_table(path: File, kind: str, source_name: str, source: Source) -> Table:
    """Read a file and understand its columns.

    Args:
        kind: ``spend`` or ``ledger``.
        source_name: the key under ``sources:`` in the configuration, such as ``spend/meta_ads``.

    Raises:
        UnreadableTableError: it is not a table of its kind; the message says what to change.
        UnknownValueError: the configured preset does not exist.
    """
    known = recognise(grids(path, source), kind, source_name, source)
    return Table(known, source, _without_headers(without_blanks(known.grid.rows()), known.grid.names))


def _without_headers(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Without the line of column names where it stands again among the rows, as where files were put together."""
    if not (frame["0"] == names[0]).any():
        return frame
    repeats = [pl.col(str(place)).str.strip_chars() == name.strip() for place, name in enumerate(names) if name.strip()]
    return frame.filter(~pl.all_horizontal(repeats).fill_null(False))


def without_blanks(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that have anything but blanks."""
    places = [name for name in frame.columns if name != "line"]
    first = frame[places[0]]
    # Of a table with rows the first column is filled almost always; only where it is not, all are looked at.
    if first.null_count() == 0 and not (first.unique().str.strip_chars() == "").any():
        return frame
    return frame.filter(pl.any_horizontal((pl.col(places).str.strip_chars() != "").fill_null(False)))
