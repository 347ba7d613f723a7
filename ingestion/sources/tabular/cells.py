"""Cells of text as dates, moments, identifiers and names; each distinct value is read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ingestion.records import naive_utc

_EMPTY_WORDS = ("", "null", r"\n", "nan", "none", "n/a", "na", "-", "--")
# With a time of day, or as Microsoft Advertising writes an hour: 2026-03-01|13.
_ISO = re.compile(r"(\d{4})[-/.](\d\d?)[-/.](\d\d?)([T |]\d.*)?", re.ASCII | re.IGNORECASE)
_PLAIN_DAY = r"^\d{4}-\d\d-\d\d$"
_COMPACT = re.compile(r"((?:19|20)\d\d)([01]\d)([0-3]\d)", re.ASCII)
_EPOCH = re.compile(r"1[0-8]\d{8}(\d{3}){0,3}", re.ASCII)  # of 2001 to 2030: no date is written with these digits
_SERIAL = re.compile(r"[3-7]\d{4}(\.\d+)?", re.ASCII)
_PLAIN_MOMENT = re.compile(  # what nearly all tools write, and the standard library reads fast
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:[0-5]\d)?", re.ASCII
)
_LONGEST_MOMENT = 100  # characters
_OFFSET = re.compile(r"\s*(?:(Z|UTC|GMT)|([+-]\d\d):?(\d\d)?)$", re.IGNORECASE)
_ZONE = re.compile(r"\s+([A-Z]{3,4}|[A-Z][A-Za-z_]+(?:/[A-Za-z_]+)+)$", re.ASCII)
# By their letters only those that mean one thing: IST, CST and BST are several.
_ZONES = {
    "PST": "-0800", "PDT": "-0700", "MST": "-0700", "MDT": "-0600", "EST": "-0500", "EDT": "-0400", "WET": "+0000",
    "WEST": "+0100", "CET": "+0100", "CEST": "+0200", "EET": "+0200", "EEST": "+0300", "MSK": "+0300", "JST": "+0900",
    "AEST": "+1000", "AEDT": "+1100", "NZST": "+1200", "NZDT": "+1300",
}  # fmt: skip
_CLOCK = re.compile(r"[T ](\d\d?:\d\d(:\d\d(\.\d+)?)?\s*([AP]M)?)$", re.IGNORECASE)
_SPOKEN = ("%a, %d %b %Y", "%a, %b %d, %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d %Y")
_TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", ", %I:%M:%S %p", ", %I:%M %p")
_AS_FLOAT = re.compile(r"\d+\.0+", re.ASCII)
_NOT_WHOLE = re.compile(r"[+-]?\d(\.\d+)?[eE]\+?\d{2,}|\d{16,}\.0+", re.ASCII)


def distinct_of(values: pl.Series) -> pl.Series:
    """Each value once, without null."""
    present = values.drop_nulls() if values.null_count() else values
    if len(present) and (present == present[0]).all():  # far faster than to tell them apart
        return present.head(1)
    return present.unique()


def by_distinct(
    values: pl.Series, function: Callable[[str], Any], kind: pl.DataType, distinct: pl.Series | None = None
) -> pl.Series:
    """`function` of each value that is not null, called once for each distinct one.

    Args:
        distinct: :func:`distinct_of` the values, where it is known.
    """
    distinct = distinct_of(values) if distinct is None else distinct
    results = pl.Series([function(value) for value in distinct], dtype=kind, strict=False)
    if results.null_count() == len(results):
        return pl.repeat(None, len(values), dtype=kind, eager=True).alias(values.name)
    if results.n_unique() == 1 and not values.null_count():
        return pl.repeat(results[0], len(values), dtype=kind, eager=True).alias(values.name)
    if kind == pl.String and (results == distinct).all(ignore_nulls=False):
        return values  # nothing changes, as almost always
    return values.replace_strict(distinct, results, default=None, return_dtype=kind)


def texts(values: pl.Series, distinct: pl.Series | None = None) -> pl.Series:
    """Trimmed text; null where it is one of the words for nothing. Where nothing changes, the same object."""
    return by_distinct(values, _text, pl.String(), distinct)


def _text(value: str) -> str | None:
    stripped = value.strip(" \t\r\n\u00a0\ufeff")
    return None if stripped.lower() in _EMPTY_WORDS else stripped


def identifiers(values: pl.Series, distinct: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Identifiers without a trailing ``.0``, and ``imprecise_id`` where a spreadsheet or a float has cut digits off.

    Args:
        values: as :func:`texts` gives them.
        distinct: :func:`distinct_of` them.
    """
    is_number = distinct.str.contains(r"^[+-]?[0-9.eE+]+$")  # of names there may be many
    numbers = distinct.filter(is_number)
    cut = [text for text in numbers if _NOT_WHOLE.fullmatch(text)]
    as_float = [text for text in numbers if _AS_FLOAT.fullmatch(text)]
    none = pl.repeat(None, len(values), dtype=pl.String, eager=True)
    problems = none.zip_with(~values.is_in(cut).fill_null(False), pl.Series(["imprecise_id"])) if cut else none
    return values.replace(as_float, [text.partition(".")[0] for text in as_float]) if as_float else values, problems


def dates(
    values: pl.Series, formats: Sequence[str], is_only: bool = False, distinct: pl.Series | None = None
) -> pl.Series:
    """The day of each date, or of a moment by its own clock; null where it is none or can be read two ways.

    Args:
        formats: of strptime, besides ISO 8601 and dates with the month's English name.
        is_only: the configuration gives the format, so those with a name are not tried.
        distinct: :func:`distinct_of` the values, where it is known.
    """
    distinct = distinct_of(values) if distinct is None else distinct
    if len(distinct) and distinct.str.contains(_PLAIN_DAY).all():
        return values.str.to_date("%Y-%m-%d", strict=False)
    return by_distinct(values, lambda text: _day(text, formats, is_only), pl.Date(), distinct)


def day_of(text: str) -> date | None:
    """The day of a date that stands in prose."""
    return _day(text, (), is_only=False)


def _day(text: str, formats: Sequence[str], is_only: bool) -> date | None:
    if len(text) > _LONGEST_MOMENT:
        return None
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _COMPACT.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if _EPOCH.fullmatch(text):
            moment = _of_epoch(text)
            return moment.date() if moment == datetime.combine(moment.date(), datetime.min.time()) else None
    except ValueError:
        return None
    found = _by_format(text, formats if is_only else (*formats, *_SPOKEN))
    return found and found.date()


def _of_epoch(text: str) -> datetime:
    """UTC, naive, of seconds, milli- or microseconds since 1970, as their number of digits tells."""
    return datetime(1970, 1, 1) + timedelta(microseconds=int(text[:16].ljust(16, "0")))


def _by_format(text: str, formats: Sequence[str]) -> datetime | None:
    for day in formats:
        for time in _TIMES:
            try:
                return datetime.strptime(text, day + time)
            except ValueError:
                continue
    return None


def of_serials(values: pl.Series, day_zero: date, distinct: pl.Series) -> pl.Series:
    """A workbook's dates that were not formatted as such, which are days since `day_zero`, in ISO 8601.

    Only what is a day of this century: 46083.5 is noon of 2026-03-02.
    """

    def written(text: str) -> str:
        if not _SERIAL.fullmatch(text) or len(text) > _LONGEST_MOMENT:
            return text
        moment = datetime.combine(day_zero, datetime.min.time()) + timedelta(seconds=round(float(text) * 86400))
        return moment.isoformat(" ") if 2000 <= moment.year < 2100 else text

    return by_distinct(values, written, pl.String(), distinct)


def moments(values: pl.Series, timezone: str, formats: Sequence[str], is_only: bool = False) -> pl.Series:
    """Moments as naive UTC; those without an offset are local time in `timezone`. Null where one is none."""
    zone = ZoneInfo(timezone)
    return by_distinct(values, lambda text: _moment(text, zone, formats, is_only), pl.Datetime("us"))


def _moment(text: str, zone: ZoneInfo, formats: Sequence[str], is_only: bool) -> datetime | None:
    if len(text) > _LONGEST_MOMENT:
        return None
    text, zone = _told_zone(text, zone)
    offset = _OFFSET.search(text) if ":" in text else None
    bare = text[: offset.start()] if offset else text
    moment: datetime | None
    try:
        if _PLAIN_MOMENT.fullmatch(text):
            moment, offset = datetime.fromisoformat(text), None
        elif match := _ISO.fullmatch(bare):
            clock = _CLOCK.fullmatch(match[4]) if match[4] else None
            if match[4] and not clock:
                return None
            moment = datetime.combine(date(int(match[1]), int(match[2]), int(match[3])), datetime.min.time())
            moment = datetime.combine(moment, _time(clock[1])) if clock else moment
        elif match := _COMPACT.fullmatch(bare):
            moment = datetime(int(match[1]), int(match[2]), int(match[3]))
        elif _EPOCH.fullmatch(text):
            return _of_epoch(text)
        elif not (moment := _by_format(bare, formats if is_only else (*formats, *_SPOKEN))):
            return None
        if offset:
            sign = f"{offset[2]}{offset[3] or '00'}" if offset[2] else "+0000"
            return naive_utc(moment.replace(tzinfo=datetime.strptime(sign, "%z").tzinfo))
        return naive_utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def _told_zone(text: str, zone: ZoneInfo) -> tuple[str, ZoneInfo]:
    """The moment with its zone's letters as an offset; one with a zone's name without it, and that zone."""
    match = _ZONE.search(text) if ":" in text else None
    if match and match[1] in _ZONES:
        return f"{text[: match.start()]} {_ZONES[match[1]]}", zone
    if match and "/" in match[1]:
        try:
            return text[: match.start()], ZoneInfo(match[1])
        except (KeyError, ValueError, OSError):  # a zone that is not known is a KeyError
            pass
    return text, zone


def _time(text: str) -> Any:
    text = text.strip().upper()
    if text.endswith("M"):
        form = "%I:%M:%S %p" if text.count(":") == 2 else "%I:%M %p"
        return datetime.strptime(re.sub(r"\s*([AP]M)$", r" \1", text), form).time()
    hours, minutes, *seconds = text.split(":")
    whole, _, fraction = (seconds or ["0"])[0].partition(".")
    return datetime(2000, 1, 1, int(hours), int(minutes), int(whole), int((fraction + "000000")[:6])).time()
