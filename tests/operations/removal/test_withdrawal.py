"""From a withdrawal on nothing of the person is used that does not itself state consent, whichever came first."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.books import region_file
from operations.removal import withdrawal
from operations.rights import rotation, subjects
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page
from tests.kit.examples import examples

START = datetime(2026, 3, 10, 8)
SHOP = {"eu": {"consent_default": "granted"}}


def said(hour: int, consent: bool | None, **fields) -> dict:
    moment = (START + timedelta(hours=hour)).isoformat() + "Z"
    context = {} if consent is None else {"consent": {"categoryPreferences": {"Analytics": consent}}}
    return page(
        messageId=f"m-{hour}",
        timestamp=moment,
        receivedAt=moment,
        context=context,
        **fields,
    )


def bought(hour: int, consent: bool | None, **fields) -> dict:
    properties = {"order_id": f"o-{hour}", "revenue": 10, "currency": "EUR"}
    return said(hour, consent, type="track", event="Order Completed", properties=properties, **fields)


def apply(zone: Zone) -> int:
    with region_file(zone.settings, "eu") as con:
        withdrawal.note_changes(con)
        return withdrawal.take_out(con)


def hours(zone: Zone) -> list[int]:
    """The hours of the events that are a person's."""
    rows = zone.query("select occurred_at from raw.events where not is_anonymised order by all")
    return [int((at - START).total_seconds() // 3600) for (at,) in rows]


@pytest.fixture
def zone(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    return Zone(tmp_path, regions=SHOP)


def test_what_follows_a_withdrawal_is_not_used_until_consent_is_stated_anew(zone):
    zone.archive(said(0, True), bought(1, None), said(2, False), said(3, None), bought(4, None), said(5, True),
                 said(6, None), bought(7, None))  # fmt: skip
    zone.load()
    fates = zone.fates()
    assert apply(zone) == 2
    assert hours(zone) == [0, 1, 5, 6, 7]
    assert zone.query(
        "select order_id, is_anonymised, anonymous_id is null from raw.events where order_id = 'o-4'"
    ) == [("o-4", True, True)]
    assert zone.query("select count(*) from ops.changes where kind = 'event'") == [(2,)], "the planner is told"
    assert zone.fates() == fates, "a fate follows from the record and its region alone"
    assert zone.query("select sum(records) from ops.removed_events") == [(1,)]
    assert apply(zone) == 0


def test_a_user_withdraws_for_their_devices_and_a_device_for_nobody_else(zone):
    zone.archive(
        said(0, True, anonymousId="phone", userId="u"), said(1, True, anonymousId="desk", userId="u"),
        said(2, True, anonymousId="desk", userId="v"), said(3, False, anonymousId="laptop", userId="u"),
        said(4, None, anonymousId="phone", userId=None), said(5, None, anonymousId="desk", userId=None),
        said(6, None, anonymousId="other", userId="u"), said(7, None, anonymousId="desk", userId="v"),
    )  # fmt: skip
    zone.load()
    apply(zone)
    assert hours(zone) == [0, 1, 2, 5, 7]


def test_a_refusal_that_comes_before_all_else_of_its_person_counts(zone):
    zone.archive(said(3, False))
    zone.load()
    zone.archive(said(0, None), said(4, None), start=50)
    zone.load()
    assert apply(zone) == 1
    assert hours(zone) == [0]


def test_of_a_day_the_first_and_the_last_refusal_are_kept_whichever_archives_they_came_in(zone):
    for start, hour in enumerate((5, 2, 9, 4)):
        zone.archive(said(hour, False), start=start)
        zone.load()
    kept = zone.query("select withdrawn_at from ops.withdrawals order by all")
    assert [int((at - START).total_seconds() // 3600) for (at,) in kept] == [2, 9]


def test_where_consent_has_to_be_stated_a_refusal_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    zone = Zone(tmp_path, regions={"eu": {"consent_default": "denied"}})
    zone.archive(said(0, True), said(1, False), said(2, None))
    zone.load()
    assert zone.query("from ops.withdrawals") == []
    assert (apply(zone), hours(zone)) == (0, [0])


def test_a_dead_letter_that_is_replayed_can_be_one(zone):
    zone.archive(said(0, True), said(2, None))
    zone.load()
    zone.archive(said(1, False), start=50)
    zone.load()
    assert apply(zone) == 1
    assert hours(zone) == [0]


def test_a_withdrawal_is_rotated_with_its_person_and_erased_with_them(zone):
    with exclusive(zone.settings):
        zone.archive(said(0, True), said(1, False))
        zone.load()
        rotation.rotate(zone.settings, "eu")
        zone.archive(said(2, None), start=50)
        zone.load()
        assert apply(zone) == 1
        assert len(zone.query("from ops.withdrawals")) == 1
        subjects.erase(zone.settings, Subject(user_id="u-1"), None)
    assert zone.query("from ops.withdrawals") == []


@settings(max_examples=examples(12, fast=3), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(st.sampled_from([True, False, None]), max_size=7), data=st.data())
def test_in_whichever_order_archives_come_the_same_stays(tmp_path_factory, answers, data):
    patch = pytest.MonkeyPatch()
    patch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    zone = Zone(tmp_path_factory.mktemp("zone"), regions=SHOP)
    is_early = data.draw(st.booleans())
    records = [said(24 * day, answer) for day, answer in enumerate(answers, 1)]
    zone.archive(said(0, True))
    zone.load()
    for start, record in enumerate(data.draw(st.permutations(records)), 1):
        zone.archive(record, start=start)
        if is_early and data.draw(st.booleans()):
            zone.load()
            apply(zone)
    zone.load()
    apply(zone)
    patch.undo()
    kept, is_yes = [0], True
    for day, answer in enumerate(answers, 1):
        is_yes = is_yes if answer is None else answer
        kept += [24 * day] if is_yes else []
    # What was removed stays away, even where consent that came before it arrives later.
    assert set(hours(zone)) <= set(kept) if is_early else hours(zone) == kept
