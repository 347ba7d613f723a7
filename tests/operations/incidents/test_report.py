"""Which incidents a person would count: one for each root cause, until it is gone."""

from __future__ import annotations

import pytest

from operations.incidents import book, causes, words
from operations.incidents.findings import SLO_FOLLOWS, Finding, Kind, normal_cause
from operations.incidents.impact import impact
from operations.incidents.report import report
from quality.slo import objectives
from settings import Incidents, Settings, UnknownValueError, UsageError

NOT_WHOLE = "the archive cannot be read whole: "
GZIP = f"{NOT_WHOLE}gzip: Error -3 while decompressing data: invalid block type"
ALL = frozenset(Kind)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    return Settings(warehouse=tmp_path / "warehouse")


def corrupt(region, *names, problem=GZIP):
    return list(causes.of_corrupt(region, [{"name": f"events/topics/web/{one}", "problem": problem} for one in names]))


def failed(text, region=None, step="ingest", error_class=None):
    return causes.of_failure(text, region, step, error_class)


def told(settings, *findings, judged=ALL, regions=None):
    return report(settings, findings, judged=judged, regions=regions)


def test_fifty_archives_of_one_cause_are_one_incident_wherever_they_are(settings):
    many = [corrupt("eu", *(f"a{n}.json.gz" for n in range(30))), corrupt("us", *(f"b{n}.json.gz" for n in range(20)))]
    changes = told(settings, *many[0], *many[1])
    [one] = changes.opened
    assert (one.kind, one.regions, len(one.touched)) == (Kind.CORRUPT_ARCHIVES, ["eu", "us"], 50)
    assert changes.lines == [
        "opened incident 1: corrupt archives in eu, us: gzip archives cannot be read whole (50 touched)"
    ]
    assert told(settings, *many[0], *many[1]).lines == [], "the next run finds the same and says nothing"


def test_archives_that_are_cut_and_that_are_empty_come_of_one_writer_and_parquet_of_another(settings):
    changes = told(
        settings, *corrupt("eu", "a.json.gz"), *corrupt("eu", "b.json.gz", problem=f"{NOT_WHOLE}gzip: it is empty"),
        *corrupt("eu", "c.parquet", problem=f"{NOT_WHOLE}parquet: Parquet magic bytes not found"),
    )  # fmt: skip
    assert sorted(len(one.touched) for one in changes.opened) == [1, 2]


def test_three_regions_late_since_one_queue_stopped_are_one(settings):
    late = [Finding(Kind.BACKLOG, "nothing lands any more", f"{one}: for 3 h", one) for one in ("eu", "uk", "us")]
    assert [one.regions for one in told(settings, *late).opened] == [["eu", "uk", "us"]]


def test_one_lock_that_fails_six_steps_is_one(settings):
    lock = "/w/regions/{0}.duckdb is held by another process; try again when it is done"
    steps = [
        failed(lock.format(region), region, step, "TransientError")
        for region in ("eu", "us") for step in ("ingest", "rebuild", "release")
    ]  # fmt: skip
    [one] = told(settings, *steps).opened
    assert (one.kind, len(one.touched)) == (Kind.LOCK, 6)


def test_a_model_that_fails_in_three_regions_is_one(settings):
    text = "{}: dbt could not build orders_daily: models/finance/orders_daily.sql:12: Binder Error: no column x"
    assert len(told(settings, *(failed(text.format(one), one, "rebuild") for one in ("eu", "uk", "us"))).opened) == 1


def test_two_independent_causes_at_once_are_two(settings):
    changes = told(settings, *corrupt("eu", "a.json.gz"), failed("No space left on device", "us"))
    assert {one.kind for one in changes.opened} == {Kind.CORRUPT_ARCHIVES, Kind.DISK_FULL}
    rates = causes.of_withheld("eu", {"2026-03-01": "stale_rate: the last rate for USD is of 2026-02-20"})
    changes = told(settings, *corrupt("eu", "a.json.gz"), failed("No space left on device", "us"), *rates)
    assert [one.kind for one in changes.opened] == [Kind.WITHHELD], "an old rate is not due to a corrupt archive"


BURN = {"alert": "page", "date": "2026-03-19", "error_budget_left": -1.0}


@pytest.mark.parametrize(
    ("slo", "cause"),
    [
        ("freshness_hours.romi_daily", Kind.LOCK),  # figures that are old wait for a run
        ("accuracy", Kind.CORRUPT_ARCHIVES),  # figures that are wrong lack what did not arrive
        ("event_match_rate", Kind.CORRUPT_ARCHIVES),
        ("records_accounted", Kind.CORRUPT_ARCHIVES),
        ("ingest_latency_ms", Kind.LOCK),
    ],
)
@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("turned", [False, True])
def test_an_error_budget_joins_that_of_two_causes_which_explains_it(settings, slo, cause, is_live, turned):
    lock = failed("/w/regions/eu.duckdb is held by another process; try again when it is done", "eu")
    causes_found = [lock, *corrupt("eu", "a.json.gz")][:: -1 if turned else 1]
    burning = list(causes.of_burning([("eu", slo, BURN)]))
    if is_live:
        told(settings, *causes_found)
    told(settings, *(causes_found if not is_live else []), *burning, judged=())
    [explained] = [one for one in book.live(settings) if any(it.kind == Kind.BURN_RATE for it in one.standing)]
    assert (explained.kind, len(book.live(settings))) == (cause, 2)


def test_each_service_level_says_what_it_may_come_of(settings):
    for name in objectives(settings):
        [burning] = causes.of_burning([("eu", name, BURN)])
        assert any(name.startswith(slo) for slo in SLO_FOLLOWS), f"{name} is missing among SLO_FOLLOWS"
        assert burning.consequence_of


def test_an_error_budget_that_neither_cause_explains_is_an_incident_of_its_own(settings):
    lock = failed("/w/regions/eu.duckdb is held by another process; try again when it is done", "eu")
    burning = list(causes.of_burning([("eu", "accuracy", BURN)]))
    assert [one.kind for one in told(settings, lock, *burning).opened] == [Kind.LOCK, Kind.BURN_RATE]


def test_a_cause_in_the_same_region_comes_before_one_of_the_whole_warehouse(settings):
    own = failed("No space left on device", "eu")
    whole = failed("/w/.lock is held by another process; try again when it is done")
    told(settings, whole, own, *causes.of_burning([("eu", "freshness_hours.romi_daily", BURN)]))
    [explained] = [one for one in book.live(settings) if len(one.standing) == 2]
    assert explained.kind == Kind.DISK_FULL


def test_cost_that_is_missing_does_not_come_of_archives_of_events(settings):
    [lacks] = causes.of_withheld("eu", {"2026-03-01": "cost is incomplete: 9 rows of spend were refused"})
    changes = told(settings, *corrupt("eu", "a.json.gz"), lacks)
    assert [one.kind for one in changes.opened] == [Kind.CORRUPT_ARCHIVES, Kind.WITHHELD]
    spend = causes.of_corrupt("us", [{"name": "spend/google_ads/a.csv", "problem": "it has no column of cost"}])
    [lacks] = causes.of_withheld("us", {"2026-03-01": "cost is incomplete: 9 rows of spend were refused"})
    assert len(told(settings, *spend, lacks, judged=()).opened) == 1


def test_the_flood_after_an_outage_is_part_of_it_and_of_one_report_both_are_one(settings):
    late = Finding(Kind.LATE_REGION, "nothing arrives any more", "for 3 days", "eu")
    deep = Finding(Kind.BACKLOG, "the backlog is deeper than usual", "900 records", "eu", "web")
    told(settings, late)
    assert told(settings, deep).lines == [], "what was held up comes at once"
    assert [one.number for one in told(settings).closed] == [1]
    assert len(told(settings, late.__class__(late.kind, late.cause, "for 1 day", "us"),
                    Finding(deep.kind, deep.cause, "9 records", "us", "web")).opened) == 1  # fmt: skip


def test_a_clean_shop_has_none_and_no_book(settings):
    assert told(settings).lines == []
    assert not (settings.warehouse / book.BOOK).exists()


def test_what_follows_from_a_cause_in_its_region_is_part_of_it(settings):
    burn = {"alert": "page", "date": "2026-03-19", "error_budget_left": -1.0}
    burning = list(causes.of_burning([("eu", f"freshness_hours.{one}", burn) for one in ("romi_daily", "spend_daily")]))
    accuracy = list(causes.of_withheld("eu", {"2026-03-18": "accuracy below 0.999: 9 of 90 ledger orders are wrong"}))
    [one] = told(settings, *burning, *accuracy, *corrupt("eu", "a.json.gz")).opened
    assert (one.kind, len(one.touched)) == (Kind.CORRUPT_ARCHIVES, 4)
    assert told(settings, *burning).closed == [], "figures are not right yet"
    assert [one.number for one in told(settings).closed] == [1]
    [other] = told(settings, *causes.of_burning([("us", "freshness_hours.romi_daily", burn)])).opened
    assert other.kind == Kind.BURN_RATE, "by itself it is one of its own"


def test_it_closes_when_its_cause_is_gone_where_somebody_looked(settings):
    told(settings, *corrupt("eu", "a.json.gz"), *corrupt("us", "b.json.gz"))
    assert told(settings, judged=[Kind.BACKLOG]).closed == []
    assert told(settings, regions=["eu"]).closed == [], "nobody looked into us"
    [one] = told(settings, regions=["us"]).closed
    assert (one.closed_by, book.live(settings)) == ("itself", [])


def test_what_comes_back_within_the_hour_is_the_same_incident_and_then_waits_to_be_quiet(settings, monkeypatch):
    found = failed("x broke", "eu")
    told(settings, found)
    assert told(settings).closed
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:30:00Z")
    assert [one.number for one in told(settings, found).reopened] == [1]
    for minute in (31, 32, 33):
        monkeypatch.setenv("ROMI_NOW", f"2026-03-20T12:{minute}:00Z")
        assert told(settings).lines == told(settings, found).lines == [], "it comes and goes, and nobody is told"
    told(settings)
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T13:32:00Z")
    assert told(settings).closed == []
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T13:34:00Z")
    assert [one.number for one in told(settings).closed] == [1]
    monkeypatch.setenv("ROMI_NOW", "2026-03-21T12:00:00Z")
    assert [one.number for one in told(settings, found).opened] == [2], "a day later it is another one"


def test_whoever_resolves_it_lives_with_what_it_names_and_no_more(settings):
    told(settings, *corrupt("eu", "a.json.gz", "b.json.gz"))
    book.resolve(settings, 1, "ann", "upstream has lost them")
    assert told(settings, *corrupt("eu", "a.json.gz", "b.json.gz")).lines == []
    assert told(settings, *corrupt("eu", "b.json.gz", "c.json.gz")).opened[0].number == 2, "c is news"
    told(settings, *corrupt("eu", "c.json.gz"))
    assert [one.number for one in told(settings).closed] == [2]
    assert told(settings, *corrupt("eu", "a.json.gz")).reopened, "it had been mended in between"


def test_a_failure_that_was_resolved_and_comes_again_is_news(settings):
    told(settings, failed("x broke", "eu"))
    book.resolve(settings, 1, "ann", "mended")
    assert [one.number for one in told(settings, failed("x broke", "eu")).opened] == [2]


def test_an_acknowledgement_is_booked_once_and_an_unknown_incident_names_the_live_ones(settings):
    told(settings, failed("x broke", "eu"))
    assert book.acknowledge(settings, 1, "ann", "on it").acknowledged_by == "ann"
    assert book.acknowledge(settings, 1, "bob").acknowledged_by == "ann"
    with pytest.raises(UnknownValueError, match="unknown incident 7; known: 1"):
        book.acknowledge(settings, 7, "ann")
    book.resolve(settings, 1, "ann", "mended")
    with pytest.raises(UsageError, match="incident 1 is over since 2026-03-20 12:00 UTC"):
        book.acknowledge(settings, 1, "ann")


def test_a_line_that_a_kill_cut_short_loses_nothing_else(settings):
    told(settings, failed("x broke", "eu"))
    path = settings.warehouse / book.BOOK
    path.write_text(path.read_text() + '{"at": "2026-03-20T12:0')
    told(settings, failed("x broke", "eu"), failed("y broke", "us"))
    assert [one.number for one in book.live(settings)] == [1, 2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("eu: 12 of 340 orders in /a/eu/x.csv", "us: 1 of 2 orders in /b/us/y.csv"),
        ("between 2026-03-01 and 2026-03-02", "between 2026-04-01 and 2026-04-30"),
    ],
)
def test_a_cause_is_the_same_without_what_differs_from_place_to_place(one, other):
    assert normal_cause(one, "eu") == normal_cause(other, "us")


def test_severity_is_the_share_of_the_usual_revenue_that_is_at_risk_in_that_hour(settings, monkeypatch):
    hours = {"eu": [600_00] * 168, "us": [60_00] * 168}
    hours["us"][4 * 24 + 12] = 6_000_00  # Fridays at noon
    (settings.warehouse / "status").mkdir(parents=True)
    for region, usual in hours.items():
        (settings.warehouse / "status" / f"{region}.json").write_text(
            f'{{"region": "{region}", "usual_revenue": {usual}}}'
        )
    [noon] = told(settings, failed("x broke", "us")).opened
    assert (noon.severity, noon.at_risk_cents) == ("critical", 100_00), "2026-03-20 is a Friday"
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T03:00:00Z")
    [night] = told(settings, failed("y broke", "us"), judged=()).opened
    assert (night.severity, night.at_risk_cents) == ("minor", 1_00)
    monkeypatch.setenv("ROMI_NOW", "2026-03-03T03:00:00Z")
    [close] = told(settings, failed("z broke", "us"), judged=()).opened
    assert close.severity == "major", "finance closes in two days"
    [backup] = told(settings, Finding(Kind.BACKUP_FAILED, "the last backup failed", "no disk"), judged=()).opened
    assert (backup.severity, backup.at_risk_cents) == ("minor", 0)


def test_what_opens_in_an_hour_without_usual_revenue_costs_what_is_usual_of_the_hours_after_it(settings, monkeypatch):
    (settings.warehouse / "status").mkdir(parents=True)
    usual = [600_00] * 168
    usual[4 * 24 + 12] = 0
    (settings.warehouse / "status" / "eu.json").write_text(f'{{"region": "eu", "usual_revenue": {usual}}}')
    [one] = told(settings, failed("x broke", "eu")).opened
    assert words.risk(settings, one) == "What it touches usually takes no revenue at this hour of the week."
    [backup] = told(settings, Finding(Kind.BACKUP_FAILED, "the last backup failed", "no disk"), judged=()).opened
    assert words.risk(settings, backup) == "No revenue is at risk."
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T15:00:00Z")
    assert impact(settings, one).at_risk_cents == 2 * 600_00
    assert impact(settings, backup).at_risk_cents == 0


def test_damping_is_configured(settings):
    settings = settings.model_copy(update={"incidents": Incidents(damping_minutes=0)})
    told(settings, failed("x broke", "eu"))
    told(settings)
    assert [one.number for one in told(settings, failed("x broke", "eu")).opened] == [2]


def test_what_was_late_by_a_clock_that_was_ahead_is_part_of_the_clocks_incident(settings, monkeypatch):
    late = Finding(Kind.LATE_REGION, "nothing arrives any more", "eu: for 3 days", "eu")
    backup = Finding(Kind.BACKUP_FAILED, "backups are overdue", "the last one is 72 hours old")
    with monkeypatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-03-23T12:00:00Z")
        told(settings, late, backup, *corrupt("eu", "a.json.gz"))
    changes = told(settings, *causes.of_clock("the clock is three days behind"), *corrupt("eu", "a.json.gz"))
    assert [one.kind for one in changes.opened] == [Kind.CLOCK]
    assert [one.kind for one in book.live(settings)] == [Kind.CORRUPT_ARCHIVES, Kind.CLOCK]
    parts = [one for one in book.incidents(settings) if one.part_of]
    assert {(one.kind, one.part_of, words.minutes(one)) for one in parts} == {
        (Kind.LATE_REGION, 4, 0), (Kind.BACKUP_FAILED, 4, 0),
    }  # fmt: skip
    assert words.ending(parts[0]) == "It is part of incident 4, which tells its cause."
    [again] = told(settings, late, *causes.of_clock("it still is"), *corrupt("eu", "a.json.gz")).opened
    assert (again.kind, again.part_of) == (Kind.LATE_REGION, None), "what is late by the right clock is late"


def test_a_title_names_the_cause_and_counts_what_it_struck_though_service_levels_alone_still_suffer(settings):
    marts = [("us", f"freshness_hours.{one}", BURN) for one in ("romi_daily", "spend_daily", "orders_daily")]
    lock = failed("us.duckdb is held by another process", "us", error_class="TransientError")
    [one] = told(settings, lock).opened
    told(settings, *causes.of_burning(marts))
    [one] = book.live(settings)
    assert one.title == "lock in us: another process holds a file"
    assert words.evidence(one) == [
        "- us: freshness_hours of 3 marts, such as romi_daily, as of 2026-03-19: page, 2.0 times the error budget is"
        " spent (look at its days in meta.slo_of_regions, and remove the cause)"
    ]
