"""Files that were read under other settings are read again, exactly once."""

import pytest

from ingestion import readings
from ingestion.books import region_file
from ingestion.reread import reread
from settings import Settings
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page
from tests.ingestion.test_load_tables import LEDGER_HEAD, ledger_row

STATS = {"context": {"consent": {"categoryPreferences": {"Stats": True}}}}
REFUSED = {"context": {"consent": {"categoryPreferences": {"Stats": False}}}}
BARE = {"order_id": "o-2", "revenue": "7.00"}


def changed(zone, **settings):
    """The same zone under other settings."""
    same = Zone(zone.folder, **settings)
    same.settings = Settings(landing=str(zone.landing), warehouse=zone.warehouse, **settings)
    return same


def again(zone):
    with region_file(zone.settings, "eu") as con:
        found = readings.stale(con, zone.settings, "eu")
    return found, reread(zone.settings, "eu", found)


def land(zone):
    zone.archive(page(messageId="m-1", **STATS), order(messageId="m-2", **STATS), page(messageId="m-3", **REFUSED))
    zone.archive(page(messageId="m-1", **STATS), order(messageId="m-4", properties=BARE, **STATS), start=3)
    zone.load()


@pytest.fixture
def corrected(zone):
    land(zone)
    assert zone.fates() == {"read": 5, "anonymised": 1, "no_consent": 3, "dead_letter": {"missing_field": 1}}
    return changed(zone, consent={"analytics": ["Stats"]}, regions={"eu": {"currency": "EUR"}})


def test_what_a_changed_setting_would_give_another_fate_is_counted(corrected):
    with region_file(corrected.settings, "eu") as con:
        found = readings.stale(con, corrected.settings, "eu")
    assert [(one.changed, one.records) for one in found] == [(("consent", "currency"), 3), (("consent", "currency"), 2)]


def test_read_again_everything_is_as_if_it_had_been_read_so_at_once(corrected, tmp_path):
    _, done = again(corrected)
    assert (done.files, done.records, done.gone) == (2, 5, [])
    assert corrected.fates() == {"read": 5, "loaded": 3, "duplicate": 1, "no_consent": 1}
    calm = Zone(tmp_path / "calm", consent={"analytics": ["Stats"]}, regions={"eu": {"currency": "EUR"}})
    land(calm)
    assert corrected.facts() == calm.facts()
    before = corrected.tables()
    found, done = again(corrected)
    assert (found, done.files) == ([], 0)
    assert corrected.tables() == before


def test_a_setting_that_takes_consent_away_takes_the_records_out(zone):
    zone.archive(page(messageId="m-1"), order(messageId="m-2"))
    zone.load()
    strict = changed(zone, consent={"analytics": ["Stats"]})
    found, _ = again(strict)
    assert [one.records for one in found] == [2]
    assert strict.fates() == {"read": 2, "anonymised": 1, "no_consent": 1}


def test_of_an_archive_that_is_gone_only_its_dead_letters_are_read_again(corrected):
    for path in corrected.landing.rglob("*.json"):
        path.unlink()
    _, done = again(corrected)
    assert (done.files, len(done.gone), done.replayed) == (0, 2, 1)
    assert corrected.fates() == {"read": 5, "anonymised": 1, "loaded": 1, "no_consent": 3}
    assert again(corrected)[0] == [], "it is said once"


def test_a_setting_that_decides_nothing_here_leaves_nothing_to_read_again(zone):
    land(zone)
    other = changed(zone, topics={"other": {"format": "ga4"}}, attribution={"lookback_days": 7})
    assert again(other)[0] == []
    narrow = changed(zone, topics={"web": {"format": "ga4"}})
    assert [one.changed for one in again(narrow)[0]] == [("format",)] * 2


def test_orders_that_took_the_regions_currency_are_counted_where_it_changes(zone):
    zone = changed(zone, regions={"eu": {"currency": "EUR"}})
    zone.archive(order(messageId="m-1", properties=BARE), page(messageId="m-2"))
    zone.load()
    found, _ = again(changed(zone, regions={"eu": {"currency": "GBP"}}))
    assert [(one.changed, one.records) for one in found] == [(("currency",), 1)]
    assert zone.query("select currency, revenue_minor from raw.events where order_id is not null") == [("GBP", 700)]


def test_tracks_whose_names_were_not_kept_are_counted_where_a_conversion_is_added(zone):
    zone.archive(page(messageId="m-1", type="track", event="Lead"), page(messageId="m-2"))
    zone.load()
    leads = changed(zone, attribution={"conversions": {"Lead": {"value": 5}}})
    found, _ = again(leads)
    assert [(one.changed, one.records) for one in found] == [(("conversions",), 1)]
    assert zone.query("select event from raw.events where type = 'track'") == [("Lead",)]
    assert again(changed(zone))[0] == [], "one that counts no longer reads nothing otherwise"


def test_moments_without_an_offset_are_read_again_where_the_regions_time_zone_changes(zone):
    zone.put("eu/ledger/a.csv", "\n".join([LEDGER_HEAD, ledger_row(ordered_at="2026-03-01 10:00:00")]) + "\n")
    zone.load()
    berlin = changed(zone, regions={"eu": {"timezone": "Europe/Berlin"}})
    found, _ = again(berlin)
    assert [(one.changed, one.records) for one in found] == [(("timezone",), 1)]
    assert zone.query("select ordered_at::varchar from raw.ledger_orders") == [("2026-03-01 09:00:00",)]
    assert again(berlin)[0] == []
