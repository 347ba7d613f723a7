"""What is unusual for the shop itself: a day's measures against the same weekday of the weeks before.

Robust, so that an earlier outlier does not make the next one usual: the median, and a spread from the median absolute
deviation, which is never taken for less than what chance alone makes of so many events.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import median

import duckdb

from ingestion.gaps import ARCHIVE_SPANS
from quality.sli import local_day
from settings import Anomalies, Anomaly, Settings

MEASURES = {
    "volume_by_topic": "kept records of a topic",
    "volume_by_type": "kept records of a type",
    "conversion_rate": "orders for each touch",
    "consent_rate": "records with consent, of those it is asked for",
    "bot_share": "records of robots",
    "campaign_match_rate": "paid touches whose campaign is known from its cost",
    "unattributed_share": "orders without a touch",
}
# Deviations are multiples of the spread of a normal distribution of that median absolute deviation; a baseline of few
# weeks adds to it.
_JUDGED_DAYS = 91  # nobody acts on what was unusual before
_MAD, _BASELINE_NOISE = 1.4826, 1.2
# Records come by visitors, and so does chance: a count varies as if it were of so many fewer. Of the kept ones the
# visitors are counted; of those who refused, or are robots, nothing is known, so it is assumed.
_OF_VISITORS, _RECORDS_OF_A_VISITOR = ("consent_rate", "bot_share"), 5
_LEAST_VOLUME_SPREAD, _LEAST_RATE_SPREAD = 0.06, 0.02  # of what is usual: shops have better and worse days
_IN_WINDOW = "between $first and $last"

_MEASURED = """
    with days as (
        select {happened_on} as date, type, event, archive_id, coalesce(anonymous_id, user_id, message_id) as visitor
        from raw.events
    ),
    archives as (
        select archive_id, topic, {landed_on} as date
        from ops.archives left join ({spans}) using (archive_id)
        where kind = 'events' and state = 'loaded'
    ),
    fates as (
        select date, sum(fates.records) as read,
            coalesce(sum(fates.records) filter (fate = 'no_consent'), 0) as refused,
            coalesce(sum(fates.records) filter (fate = 'bot'), 0) as bots,
            coalesce(sum(fates.records) filter (fate = 'loaded'), 0) as loaded
        from ops.fates join archives using (archive_id) group by all
    ),
    touches as (
        select touched_on as date, count(*) as touches,
            count(*) filter (starts_with(channel, 'Paid ')) as paid,
            count(*) filter (starts_with(channel, 'Paid ') and (
                campaign_id in (select campaign_id from intermediate.int_spend__campaigns)
                or lower(campaign) in (select lower(campaign) from intermediate.int_spend__campaigns))) as matched
        from intermediate.int_sessions__touchpoints where touched_on between $first and $last group by all
    ),
    orders as (
        select ordered_on as date, count(*) as orders from intermediate.int_orders__conversions
        where ordered_on between $first and $last group by all
    ),
    credits as (
        select ordered_on as date, count(distinct order_id) as credited,
            count(distinct order_id) filter (channel = '(unattributed)') as unattributed
        from intermediate.int_attribution__touch_credits
        where ordered_on between $first and $last and conversion_millionths.linear > 0 group by all
    )
    select days.date, 'volume_by_topic', topic, count(*), count(distinct visitor)
    from days join archives using (archive_id) group by all
    union all
    select date, 'volume_by_type', coalesce(event, type), count(*), count(distinct visitor)
    from days group by all
    union all
    select date, 'conversion_rate', '', coalesce(orders, 0), touches from touches left join orders using (date)
    union all
    select date, 'consent_rate', '', loaded, loaded + refused from fates
    union all
    select date, 'bot_share', '', bots, read from fates
    union all
    select date, 'campaign_match_rate', '', matched, paid from touches
    union all
    select date, 'unattributed_share', '', unattributed, credited from credits"""

Series = dict[tuple[str, str], dict[date, tuple[int, int | None]]]


@dataclass(frozen=True)
class Finding:
    """A day's measure that is unusual, and how much so."""

    day: date
    measure: str
    subject: str
    value: float
    usual: float
    deviations: float
    is_blocking: bool

    def __str__(self) -> str:
        what = f"{self.measure} of {self.subject}" if self.subject else self.measure
        return f"{what} is {_number(self.value)}, usual is {_number(self.usual)} ({self.deviations:+.1f} spreads)"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 10 else f"{value:,.0f}"


def book_measures(con: duckdb.DuckDBPyConnection, settings: Settings, region: str, first: date, last: date) -> None:
    """Replace what was measured of a window of days that were just rebuilt, in the caller's transaction."""
    kept_through = con.execute("select value::date from ops.meta where key = 'kept_through'").fetchone()
    # What retention has taken can't be measured again.
    window = {"first": max(first, kept_through[0] + timedelta(days=1)) if kept_through else first, "last": last}
    con.execute(f"delete from ops.measures where date {_IN_WINDOW}", window)
    measured = _MEASURED.format(
        spans=ARCHIVE_SPANS,
        happened_on=local_day(settings, region, "occurred_at"),
        landed_on=local_day(settings, region, "coalesce(latest, loaded_at)"),
    )
    con.execute(
        f"""insert into ops.measures
        from ({measured}) as found (date, measure, subject, amount, base) where date {_IN_WINDOW}""",
        window,
    )


def book_anomalies(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, first: date, last: date
) -> list[Finding]:
    """Measure a window of days that were just rebuilt, and book what is unusual of them, in the caller's transaction.

    The days since the last one known before are judged with them, since of a day on which nothing came nothing is
    rebuilt. A day on which the input may still come is not judged.
    """
    book_measures(con, settings, region, first, last)
    since, arrived = con.execute(
        f"""select (select max(date) + 1 from ops.measures where date < ?),
            (select max({local_day(settings, region, "least(latest, coalesce(first_seen_at, latest))")})
             from ({ARCHIVE_SPANS}) left join ops.archives using (archive_id))""",
        [first],
    ).fetchall()[0]
    last = min(last, arrived - timedelta(days=1)) if arrived else last
    first = max(min(since or first, first), last - timedelta(days=_JUDGED_DAYS))
    found = find_anomalies(con, settings, first, last)
    con.execute(f"delete from ops.anomalies where date {_IN_WINDOW}", {"first": first, "last": last})
    if found:
        con.executemany("insert into ops.anomalies values (?, ?, ?, ?, ?, ?, ?)", [astuple(one) for one in found])
    return found


def recent_anomalies(con: duckdb.DuckDBPyConnection, first: date, last: date) -> list[Finding]:
    """What was booked as unusual of these days."""
    rows = con.execute(f"from ops.anomalies where date {_IN_WINDOW} order by all", {"first": first, "last": last})
    return [Finding(*row) for row in rows.fetchall()]


def find_anomalies(con: duckdb.DuckDBPyConnection, settings: Settings, first: date, last: date) -> list[Finding]:
    """What is unusual of the days of a window, by day, measure and subject."""
    rules = settings.anomalies
    series: Series = defaultdict(dict)
    known: set[date] = set()
    rows = con.execute(
        f"select date, measure, subject, amount, base from ops.measures where date {_IN_WINDOW}",
        {"first": first - timedelta(weeks=rules.weeks), "last": last},
    ).fetchall()
    for day, measure, subject, amount, base in rows:
        series[measure, subject][day] = (amount, base)
        known.add(day)
    found = []
    for (measure, subject), values in sorted(series.items()):
        # What did not come at all counts nothing, on a day of which something else is known and on the one judged.
        nothing = (0, None) if measure.startswith("volume") else None
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            weeks = [day - timedelta(weeks=n) for n in range(1, rules.weeks + 1)]
            before = [values.get(week, nothing) for week in weeks if week in known]
            now = values.get(day, nothing)
            if now and (finding := _judge(rules, measure, now, [one for one in before if one])):
                found.append(Finding(day, measure, subject, *finding))
    return sorted(found, key=lambda one: (one.day, one.measure, one.subject))


def _judge(
    rules: Anomalies, measure: str, now: tuple[int, int | None], before: list[tuple[int, int | None]]
) -> tuple[float, float, float, bool] | None:
    rule: Anomaly = getattr(rules, measure)
    if measure.startswith("volume"):
        judged = _volume(rules, now[0], before)
    else:
        judged = _rate(rules, now[0], now[1] or 0, before, _RECORDS_OF_A_VISITOR if measure in _OF_VISITORS else 1)
    if judged is None:
        return None
    value, usual, spread = judged
    deviations = (value - usual) / spread
    size = {"low": -deviations, "high": deviations, "both": abs(deviations)}[rule.direction]
    is_blocking = rule.block is not None and size > rule.block
    if is_blocking or (rule.warn is not None and size > rule.warn):
        return value, usual, deviations, is_blocking
    return None


def _volume(rules: Anomalies, amount: int, before: list[tuple[int, int | None]]) -> tuple[float, float, float] | None:
    """A count, what is usual, and its spread; `before` has counts, of how many visitors each."""
    history = [float(one) for one, _ in before]
    if len(history) < rules.minimum_weeks or max(usual := median(history), amount) < rules.minimum_volume:
        return None
    each = [one / visitors for one, visitors in before if visitors]
    chance = sqrt(max(usual, 1) * _clustered(median(each) if each else 1))
    return float(amount), usual, spread(history, usual, chance, _LEAST_VOLUME_SPREAD)


def _rate(
    rules: Anomalies, amount: int, base: int, before: list[tuple[int, int | None]], each: float
) -> tuple[float, float, float] | None:
    """A share, what is usual, and its spread; `before` has counts, each of how many."""
    history = [one / of for one, of in before if of]
    if len(history) < rules.minimum_weeks or base < rules.minimum_volume:
        return None
    usual = median(history)
    of_one = min(_clustered(each) / base, 1.0)  # what a single visitor may make of the share
    share = max(usual, of_one)
    chance = sqrt(share * max(1 - share, of_one) * of_one)
    return amount / base, usual, spread(history, usual, chance, _LEAST_RATE_SPREAD)


def _clustered(each: float) -> float:
    """How many times the variance is that of single records, of visitors who leave `each` of them in the mean.

    A few leave many: of a geometric distribution it is this.
    """
    return max(2 * each - 1, 1)


def spread(history: list[float], usual: float, chance: float, least: float) -> float:
    """How far from what is usual values go: by the median absolute deviation, and no less than chance or `least` make.

    Args:
        least: as a share of what is usual.
    """
    # A baseline is itself of events that chance had a hand in.
    return max(_MAD * median(abs(one - usual) for one in history), _BASELINE_NOISE * chance, least * usual)
