"""Reference rates as they landed, as exact ratios of integers: what quality recomputes money by.

It shares no code with the dbt models, on purpose: a mistake there cannot hide itself here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from datetime import date, timedelta

import duckdb

from ingestion.money import LARGEST_WORTH_CENTS, MINOR_UNITS
from settings import Settings


class Rates:
    """Exact ratios from minor units of a currency to cents of the reporting currency, by day.

    They come from the landed rates; only a day of `final` keeps those that it was built with while it was open.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, settings: Settings, to_day: date, final: Collection[date]
    ) -> None:
        self._reporting = settings.reporting_currency
        self._max_age = timedelta(settings.fx.max_age_days)
        self._quoted: dict[str, tuple[list[date], list[int]]] = {"EUR": ([date.min], [10**8])}
        known = "select currency, rate_on, rate_e8 from raw.fx_rates where rate_on <= ? order by currency, rate_on"
        for currency, rate_on, rate_e8 in con.execute(known, [to_day]).fetchall():
            dates, rates = self._quoted.setdefault(currency, ([], []))
            dates.append(rate_on)
            rates.append(rate_e8)
        self._ratios: dict[tuple[str, date], tuple[int, int] | None] = {}
        if not final:
            return
        kept = "select currency, priced_on, cents_numerator, minor_denominator from intermediate.int_fx__daily_rates"
        for currency, day, cents, minor in con.execute(f"{kept} where priced_on = any(?)", [list(final)]).fetchall():
            self._ratios[currency, day] = cents, minor

    def _rate(self, currency: str, day: date) -> int | None:
        dates, rates = self._quoted.get(currency, ([], []))
        place = bisect_right(dates, day)
        is_fresh = place and (currency == "EUR" or day - dates[place - 1] <= self._max_age)
        return rates[place - 1] if is_fresh else None

    def _ratio(self, currency: str, day: date) -> tuple[int, int] | None:
        if currency == self._reporting:
            return 1, 1
        rate, reporting = self._rate(currency, day), self._rate(self._reporting, day)
        return None if rate is None or reporting is None else (reporting * 100, rate * 10 ** MINOR_UNITS[currency])

    def cents(self, minor: int, currency: str, day: date, beyond: int | None = None) -> int | None:
        """The amount in cents of the reporting currency, half-even; None where a rate is lacking.

        What is worth more than any amount may be is `beyond`.
        """
        if (currency, day) not in self._ratios:
            self._ratios[currency, day] = self._ratio(currency, day)
        ratio = self._ratios[currency, day]
        if ratio is None:
            return None
        is_beyond = abs(minor) * ratio[0] > LARGEST_WORTH_CENTS * ratio[1]
        return beyond if is_beyond else half_even(minor * ratio[0], ratio[1])

    def why(self, currency: str, day: date) -> str:
        """Why a currency has no rate for `day`: it has none at all, or its last one is too old."""
        dates, _ = self._quoted.get(currency, ([], []))
        if not (place := bisect_right(dates, day)):
            return f"no reference rate for {currency}"
        last, limit = dates[place - 1], self._max_age.days
        return f"stale_rate: the last reference rate for {currency} is of {last}, more than {limit} days before"

    def lacking(self, currency: str, day: date) -> str | None:
        """The currency that has no rate that stands on `day`, though `currency` needs one to be converted."""
        needed = () if currency == self._reporting else (currency, self._reporting)
        return next((one for one in needed if self._rate(one, day) is None), None)


def half_even(dividend: int, divisor: int) -> int:
    """`dividend` / `divisor` (positive), rounded half to even."""
    quotient, rest = divmod(dividend, divisor)
    return quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2))
