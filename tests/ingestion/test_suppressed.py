"""Records of persons who were erased: `suppressed`, their orders `anonymised`, in each reader, layout and replay."""

from __future__ import annotations

from datetime import datetime

import pytest

from ingestion.dead_letters import Which
from ingestion.load import region_policy
from ingestion.replay import replay
from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from privacy.suppression import Tombstone, mark, successor
from privacy.suppression_book import SuppressionBook
from tests.ingestion.strategies import order, page

ERASED = datetime(2026, 3, 10, 8)
# NOW is 10 March, 12:00; the strategies' records are of 10:00, after the erasure, with consent.
CONSENT = {"consent": {"categoryPreferences": {"Analytics": True}}}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("ROMI_KEY_EU_SUPPRESSION", "33" * 32)


def bury(zone, at=ERASED, **identifiers):
    book = SuppressionBook(zone.warehouse, "eu")
    key = region_key(zone.warehouse, "eu", "pseudonym")
    kinds = {"user": "user", "device": "anonymous"}
    book.add(book.key(), [
        Tombstone(mark(book.key(), kinds[name], pseudonym(key, kinds[name], value)), at, "r")
        for name, value in identifiers.items()
    ])  # fmt: skip
    return key


@pytest.mark.parametrize("suffix", ["json", "json.gz"])
@pytest.mark.parametrize("dirt", [(), ("{",)], ids=["fast", "exact"])
def test_their_behaviour_is_suppressed_and_their_orders_lose_them(zone, suffix, dirt):
    bury(zone, user="u-1")
    quiet = {"context": {}}
    zone.archive(
        page(messageId="m-1", **quiet), order(messageId="m-2", **quiet), page(messageId="m-3", userId="u-2"),
        page(messageId="m-4", timestamp="2024-01-01T00:00:00Z"), *dirt, suffix=suffix,
    )  # fmt: skip
    zone.load()
    fates = zone.fates()
    assert {name: fates[name] for name in ("loaded", "suppressed", "anonymised", "expired")} == {
        "loaded": 1, "suppressed": 1, "anonymised": 1, "expired": 1}  # fmt: skip
    assert zone.query("select anonymous_id, user_id, is_anonymised, order_id is null from raw.events"
                      " where is_anonymised") == [(None, None, True, False)]  # fmt: skip


def test_a_bot_is_a_bot_first_and_an_erased_person_needs_no_consent_to_be_suppressed(zone):
    bury(zone, user="u-1")
    zone.archive(
        page(messageId="m-1", context={"userAgent": "Googlebot/2.1"}),
        page(messageId="m-2", context={"consent": {"categoryPreferences": {"Analytics": False}}}),
        page(messageId="m-3", userId="u-2", context={}),
    )
    zone.load()
    assert zone.fates() == {"read": 3, "bot": 1, "suppressed": 1, "no_consent": 1, "dead_letter": {}} or (
        {name: count for name, count in zone.fates().items() if name != "dead_letter"}
        == {"read": 3, "bot": 1, "suppressed": 1, "no_consent": 1}
    )


def test_consent_of_the_region_lets_nobody_back_in(tmp_path, zone):
    from tests.ingestion.conftest import Zone

    granted = Zone(tmp_path / "granted", regions={"eu": {"consent_default": "granted"}})
    bury(granted, user="u-1")
    granted.archive(page(messageId="m-1", context={}), page(messageId="m-2", context={}, userId="u-2"))
    granted.load()
    assert (granted.fates()["suppressed"], granted.fates()["loaded"]) == (1, 1)


def test_who_consents_anew_is_a_new_person(zone):
    key = bury(zone, user="u-1", device="a-1")
    zone.archive(page(messageId="m-1", context=CONSENT))
    zone.load()
    ((device, user),) = zone.query("select anonymous_id, user_id from raw.events")
    assert user.hex == successor(key, "user", pseudonym(key, "user", "u-1"))
    assert device.hex == successor(key, "anonymous", pseudonym(key, "anonymous", "a-1"))


def test_a_record_of_before_the_erasure_stays_out_with_whatever_consent(zone):
    bury(zone, at=datetime(2026, 3, 10, 11), user="u-1")
    zone.archive(page(messageId="m-1", context=CONSENT, receivedAt="2026-03-10T11:30:00Z"))
    zone.load()
    assert zone.fates()["suppressed"] == 1


def test_a_replayed_dead_letter_of_theirs_is_suppressed_too(zone):
    from settings import Settings

    line = '{"event_timestamp": 1773140400000000, "event_name": "page_view", "user_pseudo_id": "a-1"}'
    zone.archive(line, topic="shop")
    zone.load()
    assert zone.fates()["dead_letter"]
    bury(zone, device="a-1")
    fixed = Settings(landing=str(zone.landing), warehouse=zone.warehouse, topics={"shop": {"format": "ga4"}},
                     regions={"eu": {"consent_default": "granted"}})  # fmt: skip
    assert replay(fixed, "eu", Which()).fates == {"suppressed": 1}
    assert zone.query("select count(*) from raw.events") == [(0,)]


def test_where_nobody_was_erased_no_key_is_made_for_it(zone, monkeypatch):
    monkeypatch.delenv("ROMI_KEY_EU_SUPPRESSION")
    zone.archive(page())
    zone.load()
    assert region_policy(zone.settings, "eu").suppression is None
    assert "suppression" not in (zone.folder / "warehouse.keys").read_text()
