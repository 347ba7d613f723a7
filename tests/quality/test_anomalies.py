"""What is unusual for the shop itself, and that nothing is in thirty clean ones."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pytest

from ingestion.books import region_file
from ingestion.region_tables import REGION_TABLES
from operations.rebuilding.rebuild import _reasons
from quality.anomalies import MEASURES, book_anomalies, find_anomalies, recent_anomalies
from settings import Anomalies, Anomaly, Settings
from tests.kit.examples import some
from tests.quality.test_reconcile import Shop

_PAGES = 5  # of a visitor
LAST = date(2026, 3, 15)  # a Sunday
FIRST = LAST - timedelta(days=69)
RATES = {"conversion_rate": 0.03, "consent_rate": 0.7, "bot_share": 0.01, "campaign_match_rate": 0.95,
         "unattributed_share": 0.3}  # fmt: skip


def clean_days(seed):
    """Ten weeks of a shop: busy weekends, slow growth, days that differ by more than chance, visitors of many pages."""
    draw = np.random.default_rng(seed)

    def records(mean):
        """As visitors leave them, and by visitor: one says no for all of his."""
        return draw.geometric(1 / _PAGES, draw.poisson(mean / _PAGES))

    size = 10 ** draw.uniform(2, 5)
    for n in range(70):
        day = FIRST + timedelta(days=n)
        busy = size * (1.6 if day.weekday() >= 5 else 1) * 1.01 ** (n / 7) * draw.lognormal(0, 0.04)
        for measure, subject, share in (
            ("volume_by_topic", "web", 0.9), ("volume_by_topic", "orders", 0.1), ("volume_by_type", "page", 0.85),
            ("volume_by_type", "identify", 0.05), ("volume_by_type", "Order Completed", 0.03),
            ("volume_by_type", "Order Refunded", 0.002),
        ):  # fmt: skip
            visits = records(busy * share) if subject in ("web", "page") else np.ones(draw.poisson(busy * share))
            if len(visits):
                yield [day, measure, subject, int(visits.sum()), len(visits)]
        for measure in ("consent_rate", "bot_share"):
            visits = records(busy * 0.9)
            if len(visits):
                counted = visits[draw.random(len(visits)) < RATES[measure]]
                yield [day, measure, "", int(counted.sum()), int(visits.sum())]
        for measure in ("conversion_rate", "campaign_match_rate", "unattributed_share"):
            rate = RATES[measure]
            base = int(draw.poisson(busy * (0.03 if measure == "unattributed_share" else 0.3)))
            if base:
                yield [day, measure, "", int(draw.binomial(base, rate)), base]


@pytest.fixture
def con():
    with duckdb.connect() as opened:
        opened.execute(REGION_TABLES)
        yield opened


def fill(con, days):
    con.execute("delete from ops.measures")
    con.executemany("insert into ops.measures values (?, ?, ?, ?, ?)", list(days))


def found(con, settings=None, first=LAST, last=LAST):
    return find_anomalies(con, settings or Settings(), first, last)


@pytest.mark.parametrize("seed", some(range(30), fast=10))
def test_nothing_is_unusual_in_a_clean_shop(con, seed):
    fill(con, clean_days(seed))
    assert found(con, first=FIRST) == []


def flat(value=1000, base=None, weeks=8):
    """The same weekday of some weeks before: nearly the same each time."""
    return [[LAST - timedelta(weeks=n), value + n % 3, base] for n in range(1, weeks + 1)]


def series(measure, days, subject=""):
    return [[day, measure, subject, amount, base] for day, amount, base in days]


@pytest.mark.parametrize(
    ("measure", "usual", "today", "base"),
    [
        ("volume_by_topic", 1000, 600, None), ("volume_by_topic", 1000, 1500, None), ("volume_by_type", 1000, 0, None),
        ("conversion_rate", 300, 180, 10_000), ("conversion_rate", 300, 420, 10_000),
        ("consent_rate", 7000, 5000, 10_000), ("bot_share", 100, 400, 10_000),
        ("campaign_match_rate", 9500, 8000, 10_000), ("unattributed_share", 3000, 4500, 10_000),
    ],
)  # fmt: skip
def test_each_measure_sees_what_is_unusual_of_it(con, measure, usual, today, base):
    fill(con, series(measure, [*flat(usual, base), *([(LAST, today, base)] if today else [])]))
    [finding] = found(con)
    assert (finding.day, finding.measure, finding.is_blocking) == (LAST, measure, False)
    assert (finding.deviations > 0) == (today > usual)
    assert finding.usual == pytest.approx(usual / (base or 1), rel=0.01)
    assert measure in MEASURES


@pytest.mark.parametrize(
    ("measure", "today"), [("bot_share", 5), ("campaign_match_rate", 9990), ("unattributed_share", 100)]
)
def test_the_good_direction_is_no_news(con, measure, today):
    usual = {"bot_share": 100, "campaign_match_rate": 8000, "unattributed_share": 3000}[measure]
    fill(con, series(measure, [*flat(usual, 10_000), (LAST, today, 10_000)]))
    assert found(con) == []


def test_one_outlier_before_neither_hides_the_next_nor_makes_the_usual_strange(con):
    days = flat()
    days[2][1] = 90_000
    fill(con, series("volume_by_topic", [*days, (LAST, 2000, None)], "web"))
    assert len(found(con)) == 1
    fill(con, series("volume_by_topic", [*days, (LAST, 1010, None)], "web"))
    assert found(con) == []


def test_other_weekdays_and_few_weeks_and_little_volume_have_no_say(con):
    sundays = flat(weeks=3)
    mondays = [[day + timedelta(days=1), 5, None] for day, *_ in flat(weeks=8)]
    fill(con, series("volume_by_topic", [*sundays, *mondays, (LAST, 10, None)], "web"))
    assert found(con) == []
    fill(con, series("volume_by_topic", [*flat(20), (LAST, 0, None)], "web"))
    assert found(con) == []


def test_tolerance_and_blocking_are_the_configuration_s(con):
    fill(con, series("volume_by_topic", [*flat(), (LAST, 600, None)], "web"))
    strict = Settings(anomalies=Anomalies(volume_by_topic=Anomaly(warn=None, block=Decimal(6))))
    assert found(con, strict)[0].is_blocking
    for quiet in ({"warn": 50}, {"direction": "high"}, {"warn": None}):
        assert found(con, Settings(anomalies={"volume_by_topic": quiet})) == []


def test_a_day_on_which_nothing_came_is_seen_with_the_next_that_comes(tmp_path):
    settings = Settings(warehouse=tmp_path, regions={"eu": {}}, anomalies={"volume_by_type": {"block": 6}})
    with region_file(settings, "eu") as con:
        shop = Shop(con, settings)
        con.execute("""
            alter table intermediate.int_orders__conversions add column person_id uuid;
            create table intermediate.int_spend__campaigns (campaign_id varchar, campaign varchar);
            create table intermediate.int_sessions__touchpoints (
                touched_on date, channel varchar, campaign varchar, campaign_id varchar);
            create table intermediate.int_attribution__touch_credits (
                order_id varchar, ordered_on date, channel varchar, conversion_millionths struct(linear bigint));
            insert into raw.events (
                message_id, message_order, archive_id, record_offset, type, occurred_at, is_anonymised)
            select uuid(), uuid(), 1, n, 'page', '2026-01-01'::timestamp + n * interval 20 minute, false
            from range(72 * 60) as records (n)""")
        con.execute("delete from raw.events where occurred_at::date = '2026-02-20'")
        shop.build()
        for first, last in ((date(2026, 1, 1), date(2026, 2, 19)), (date(2026, 2, 21), date(2026, 3, 1))):
            assert book_anomalies(con, settings, "eu", first, last) == recent_anomalies(con, first - timedelta(1), last)
        [silent] = recent_anomalies(con, date(2026, 1, 1), date(2026, 3, 1))
        assert (silent.day, silent.value, silent.usual, silent.is_blocking) == (date(2026, 2, 20), 0, 72, True)
        assert str(silent) == "volume_by_type of page is 0, usual is 72 (-7.1 spreads)"
        # The last day has not come to its end: half of it is no anomaly.
        con.execute("delete from raw.events where occurred_at >= '2026-03-01 08:00'")
        assert book_anomalies(con, settings, "eu", date(2026, 3, 1), date(2026, 3, 1)) == []

        con.execute("delete from raw.events where occurred_at::date = '2026-02-25' and record_offset % 9 > 0")
        withheld = _reasons(con, settings, "eu", {date(2026, 2, 25): None})
        assert withheld == {date(2026, 2, 25): "unusual: volume_by_type of page is 8, usual is 72 (-6.3 spreads)"}
