"""Numbers as people and tools write them, read exactly, or not at all where they can be read two ways."""

from __future__ import annotations

import re
from decimal import ROUND_05UP, Context, Decimal, InvalidOperation

import polars as pl

from ingestion.money import LARGEST, LONGEST, MINOR_UNITS
from ingestion.sources.tabular.cells import by_distinct, distinct_of
from ingestion.spelled import AmbiguousNumberError, read_number, sign_of, without_symbol

# Amounts stand as whole numbers of 10^-12 of the unit.
SCALE = 12
_LARGEST_COUNT = 10**15
_PIECE = 1 << 16  # rows
_FITS_INT64 = 4 * 10**18  # twice of which does, too
_SIMPLE = r"^-?[0-9]{1,12}(?:\.[0-9]{1,12})?$"
_AFFIX = r"[\s\u00a0()+\-\u2212]*(?:[A-Z]{3}|[€£$¥])?[\s\u00a0()+\-\u2212]*"
_POINT_GROUP = rf"^{_AFFIX}[1-9][0-9]{{0,2}}\.[0-9]{{3}}{_AFFIX}$"
_POINT_GROUPS = rf"^{_AFFIX}[1-9][0-9]{{0,2}}(?:\.[0-9]{{3}})+{_AFFIX}$"
_FEW = 1_000  # values that are looked at first, since they tell almost always
_COMMA_DECIMAL = re.compile(r"\d,\d{1,2}\D*$|\d,\d{4,}|\.\d{3},\d")
# A value beyond twelve decimals keeps a last digit that rounds as all of them would.
_STICKY = Context(prec=60, rounding=ROUND_05UP)
_UNIT = Decimal(1).scaleb(-SCALE)


def amounts(
    values: pl.Series, decimal: str | None, shift: int = 0, is_point_open: bool = False
) -> tuple[pl.Series, pl.Series]:
    """Money in units of 10^-12, and why a value is none: ``invalid_money``, ``invalid_micros`` or ``ambiguous_number``.

    Args:
        values: text, null where there is nothing.
        shift: the power of ten that the text counts in (micros: -6).
        is_point_open: nothing in the file tells that a point before three digits parts off decimals.
    """
    if decimal == "," or shift:
        whole = _whole(values, LARGEST * 10**-shift)
        is_simple = whole.is_not_null()
    else:
        is_simple = values.str.contains(_SIMPLE).fill_null(False)
    rest = values.filter(~is_simple).drop_nulls().unique()
    if decimal is None and (any(map(_COMMA_DECIMAL.search, rest)) or is_point_open):
        # Where no neighbour tells that it parts off decimals, a point before three digits may group them.
        is_simple &= ~values.str.contains(_POINT_GROUP).fill_null(False)
        doubtful = values.filter(values.str.contains(_POINT_GROUP).fill_null(False)).unique()
        rest = pl.concat([rest, doubtful]).unique()
    else:
        doubtful = rest.clear()
    if decimal == "," or shift:
        wide = pl.col("whole").cast(pl.Int128) * 10 ** (SCALE + shift)
        scaled = whole.to_frame("whole").select(wide).to_series()
    else:
        scaled = _scaled(values, is_simple)
    if rest.is_empty():
        return scaled, pl.repeat(None, len(values), dtype=pl.String, eager=True)
    unclear = set(doubtful)
    read = [_amount(text, decimal, shift) if text not in unclear else "ambiguous_number" for text in rest]
    found = [one if isinstance(one, int) else None for one in read]
    problems = [one if isinstance(one, str) else None for one in read]
    others = values.replace_strict(rest, pl.Series(found, dtype=pl.Int128), default=None, return_dtype=pl.Int128)
    why = values.replace_strict(rest, pl.Series(problems, dtype=pl.String), default=None, return_dtype=pl.String)
    return scaled.zip_with(is_simple, others), why.zip_with(~is_simple, pl.Series([None], dtype=pl.String))


def has_decimal_point(values: pl.Series) -> bool:
    """Whether a point parts off decimals for certain, as in 12.50 and 0.125, and not in 1.250."""
    for some in (values.head(_FEW), values):
        pointed = some.filter(some.str.contains(".", literal=True).fill_null(False))
        if not pointed.str.contains(_POINT_GROUPS).all():
            return True
    return False


def has_groups_or_none(values: pl.Series) -> bool:
    """Whether a number stands there without a point (980, but not 0) or with two (1.250.000), so that not all have
    three decimals."""
    is_pointed_once = values.str.contains(r"^[^.]*\.[^.]*$")
    return bool((~is_pointed_once & values.str.contains(r"[1-9]")).any())


def _whole(values: pl.Series, largest: int) -> pl.Series:
    """The whole numbers up to `largest`, and above its negative; null where the text is anything else."""
    number = values.cast(pl.Int64, strict=False)
    least, most = number.min(), number.max()
    if not isinstance(least, int) or not isinstance(most, int) or (-largest <= least and most <= largest):
        return number
    return number.set(~number.is_between(-largest, largest), None)


def _scaled(values: pl.Series, is_simple: pl.Series) -> pl.Series:
    """Simple decimals in units of 10^-12."""
    number = pl.when(is_simple).then(pl.col("text")).cast(pl.Decimal(38, SCALE), strict=False)
    return values.to_frame("text").select(number.to_physical().cast(pl.Int128)).to_series()


def _amount(text: str, decimal: str | None, shift: int) -> int | str:
    if len(text) > LONGEST:
        return "invalid_money"
    try:
        number = read_number(without_symbol(text), decimal)
        if shift and number != number.to_integral_value():
            return "invalid_micros"  # nobody counts in parts of a millionth
        number = number.scaleb(shift)
    except AmbiguousNumberError:
        return "ambiguous_number"
    except (ValueError, InvalidOperation):
        return "invalid_money"
    if not number.is_finite() or abs(number) > LARGEST:
        return "invalid_money"
    return int(number.quantize(_UNIT, context=_STICKY).scaleb(SCALE))


def spoken_currencies(values: pl.Series) -> pl.Series | None:
    """The sign or code of a currency that each amount is written with, null where there is none; None of plain numbers.

    Args:
        values: text, null where there is nothing.
    """
    is_plain = values.cast(pl.Float64, strict=False).is_not_null()
    odd = values.filter(~is_plain).drop_nulls().unique()
    signs = [sign_of(text) for text in odd]
    if not any(signs):
        return None
    return values.replace_strict(odd, pl.Series(signs, dtype=pl.String), default=None, return_dtype=pl.String)


def is_in_thousands(values: pl.Series) -> pl.Series:
    """Whether each has a point before three digits, which in a currency without decimals parts off none."""
    return values.str.contains(_POINT_GROUP).fill_null(False)


def counts(values: pl.Series, decimal: str | None) -> tuple[pl.Series, pl.Series]:
    """Whole numbers from 0 on, and whether a value is odd: there, and not such a number."""
    plain = _whole(values, _LARGEST_COUNT)
    plain = plain.set(plain < 0, None) if (plain < 0).any() else plain
    is_whole = plain.is_not_null()
    if plain.null_count() == values.null_count():
        return plain, pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)
    rest = values.filter(~is_whole).drop_nulls().unique()
    if rest.is_empty():
        return plain, pl.repeat(False, len(values), eager=True)
    others = values.replace_strict(
        rest, pl.Series([_count(text, decimal) for text in rest], dtype=pl.Int64), default=None, return_dtype=pl.Int64
    )
    found = plain.zip_with(is_whole, others)
    return found, values.is_not_null() & found.is_null()


def _count(text: str, decimal: str | None) -> int | None:
    if len(text) > LONGEST:
        return None
    try:
        if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", text.strip(), re.ASCII) and decimal != ",":
            return int(text.replace(",", ""))
        if decimal is None and re.fullmatch(_POINT_GROUP, text):
            return None
        number = read_number(text, decimal)
    except (ValueError, InvalidOperation):
        return None
    is_count = number.is_finite() and 0 <= number <= _LARGEST_COUNT and number == number.to_integral_value()
    return int(number) if is_count else None


def to_minor(scaled: pl.Series, currencies: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Amounts of 10^-12 in minor units of each one's currency, half-even (EUR 0.125 → 12, JPY 1.5 → 2).

    Returns:
        The minor units, and what rounding has taken off, in units of 10^-12: negative where it rounded up.
    """
    # In 64 bits it is computed far faster, and they hold millions.
    kind = pl.Int128() if ((scaled > _FITS_INT64) | (scaled < -_FITS_INT64)).any() else pl.Int64()
    unit = _minor_units(currencies)
    step = _PIECE if len(unit) == len(scaled) else 0
    # Piece by piece: what is computed in between then stays in memory that the processor has at hand.
    pieces = [
        _rounded(scaled.slice(number * _PIECE, _PIECE).cast(kind), unit.slice(number * step, step or 1).cast(kind))
        for number in range(max(1, -(-len(scaled) // _PIECE)))
    ]
    return pl.concat([minor for minor, _ in pieces]), pl.concat([rest for _, rest in pieces])


def _rounded(amount: pl.Series, unit: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whole units, half-even, and what is left; of one unit alone all are counted in it."""
    whole = amount // unit
    left = amount - whole * unit
    is_odd = whole % pl.Series([2], dtype=amount.dtype) != 0
    goes_up = ((left + left > unit) | ((left + left == unit) & is_odd)).cast(amount.dtype)
    return (whole + goes_up).cast(pl.Int64), (left - goes_up * unit).cast(pl.Int64)


def _minor_units(currencies: pl.Series) -> pl.Series:
    """How many units of 10^-12 a minor unit of each currency has; one number where it is the same of all."""
    distinct = distinct_of(currencies)
    units = {10 ** (SCALE - MINOR_UNITS[code]) for code in distinct}
    if len(units) == 1 and not currencies.null_count():
        return pl.Series(list(units), dtype=pl.Int128)
    return by_distinct(currencies, lambda code: 10 ** (SCALE - MINOR_UNITS[code]), pl.Int128(), distinct)
