"""Which month a report is about, and which days of the month before it can be compared with."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from operations.reports.marts import Marts, first_of
from settings import UnknownValueError

_FEWEST_DAYS = 7  # a comparison of fewer says nothing
RUNNING = "running month"  # what tables say of a month that had not ended


@dataclass(frozen=True)
class Period:
    """A month up to its last known day, and the same days of this month and the one before where both are known.

    Of two whole months the compared days are all of each, however many that are.
    """

    month: date
    last: date  # its last day, or the last known one of a running month
    is_running: bool
    compared: tuple[date, date] | None  # None: the month before is not known well enough
    before: tuple[date, date] | None

    @property
    def is_whole(self) -> bool:
        """Whether what is compared are two whole months."""
        return self.compared == (self.month, month_end(self.month))

    @property
    def name(self) -> str:
        return month_name(self.month)

    @property
    def month_before(self) -> date:
        return previous_month(self.month)

    @property
    def before_name(self) -> str:
        """The month before, or its days that are compared, in words."""
        if self.before is None or self.is_whole:
            return month_name(self.month_before)
        return days_name(*self.before)

    @property
    def compared_name(self) -> str:
        """The days of this month that are compared, in words."""
        return self.name if self.compared is None or self.is_whole else days_name(*self.compared)


def choose(marts: Marts, month: date | None) -> Period:
    """The month asked for, or the last whole one that has a month before it to compare with, or the running one.

    Raises:
        UnknownValueError: nothing is published of the month asked for.
    """
    known = [row["month"] for row in marts.rows("select distinct month from finance.romi_monthly order by month")]
    first, last = _known_days(marts)
    if month is not None:
        if first_of(month) not in known:
            raise UnknownValueError("month", f"{month:%Y-%m}", [f"{one:%Y-%m}" for one in known])
        return _period(first_of(month), first, last, marts.built_at.date())
    periods = [_period(one, first, last, marts.built_at.date()) for one in known]
    ended = [one for one in periods if not one.is_running]
    for chosen in (
        [one for one in ended[-1:] if one.is_whole],
        [one for one in periods[-1:] if one.compared],
        ended[-1:],
    ):
        if chosen:
            return chosen[0]
    return periods[-1]


def _known_days(marts: Marts) -> tuple[date, date]:
    """The first and the last day that have anything, of orders or of cost."""
    row = marts.row("""select min(date) as first, max(date) as last from (
        select date from finance.orders_daily union all select date from finance.spend_daily)""")
    return row["first"] or marts.built_at.date(), row["last"] or marts.built_at.date()


def _period(month: date, first: date, last: date, today: date) -> Period:
    end = month_end(month)
    is_running = today <= end
    last_shown = max(min(last, end), month) if is_running else end
    start_day = max(1, first.day if first_of(first) == previous_month(month) else 1)
    if first > month_end(previous_month(month)):
        return Period(month, last_shown, is_running, None, None)
    if not is_running and start_day == 1:
        before = previous_month(month)
        return Period(month, end, False, (month, end), (before, month_end(before)))
    before_end = month_end(previous_month(month))
    to_day = min(last_shown.day, before_end.day)
    if to_day - start_day + 1 < _FEWEST_DAYS:
        return Period(month, last_shown, is_running, None, None)
    here = month.replace(day=start_day), month.replace(day=to_day)
    before = previous_month(month)
    return Period(month, last_shown, is_running, here, (before.replace(day=start_day), before.replace(day=to_day)))


def is_running(marts: Marts, day: date) -> bool:
    """Whether the day's month had not ended when the version was built."""
    return marts.built_at.date() <= month_end(first_of(day))


def month_end(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def previous_month(month: date) -> date:
    return first_of(first_of(month) - timedelta(days=1))


def month_name(month: date) -> str:
    return f"{calendar.month_name[month.month]} {month.year}"


def days_name(first: date, last: date) -> str:
    """Days of one month, such as ``1 to 28 October``."""
    return f"{first.day} to {last.day} {calendar.month_name[last.month]}"
