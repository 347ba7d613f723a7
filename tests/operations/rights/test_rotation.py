"""A key is rotated by nesting: no plain identifier is asked for, nobody's figures change, nobody comes back."""

from __future__ import annotations

import subprocess
import sys
from uuid import UUID

import polars as pl
import pytest

from ingestion.books import meta, region_file
from ingestion.held_key import check_key
from operations.rights import rotation, subjects
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from privacy.keys import Key, add_rotation, key_file, region_key
from privacy.pseudonyms import PERSONS, nested, pseudonym, pseudonyms
from settings import Experiment, Settings, UsageError
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page
from tests.kit.examples import some
from tests.kit.prebuilt import copy_of

FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))


def _zone(folder):
    return Zone(folder, regions={"eu": {"consent_default": "granted"}}, privacy={"encryption_at_rest": False})


def _load(folder):
    made = _zone(folder)
    with exclusive(made.settings):
        for number, name in enumerate(["ann", "ann", "bob"]):
            made.archive(page(messageId=f"m-{number}", userId=name, anonymousId=f"{name}-phone"), start=number)
        made.archive(page(messageId="m-9", userId=None, anonymousId="eve-phone"), start=9)
        made.load()


@pytest.fixture
def zone(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    copy_of(_load, tmp_path)
    return _zone(tmp_path)


def persons(zone: Zone) -> list[tuple]:
    return zone.query("select message_id, anonymous_id, user_id from raw.events order by all")


def expected(zone: Zone, number: int, name: str) -> tuple:
    key = region_key(zone.warehouse, "eu", "pseudonym", make=False)
    return (UUID(pseudonym(key, "message", f"m-{number}")), UUID(pseudonym(key, "anonymous", f"{name}-phone")),
            None if name == "eve" else UUID(pseudonym(key, "user", name)))  # fmt: skip


def holds(zone: Zone, *names: str) -> set[str]:
    content = zone.settings.region_file("eu").read_bytes()
    return {one for one in names if (int(one, 16) ^ (1 << 127)).to_bytes(16, "little") in content}


def test_a_rotated_key_makes_of_an_identifier_what_it_makes_of_its_pseudonym():
    for kind in PERSONS:
        first = pseudonym(Key("eu", "pseudonym", FIRST), kind, "u-1")
        twice = Key("eu", "pseudonym", FIRST, (SECOND, THIRD))
        assert (
            pseudonym(twice, kind, "u-1") == nested(nested(first, [SECOND]), [THIRD]) != nested(first, [THIRD, SECOND])
        )
        assert pl.DataFrame({"id": ["u-1"]}).select(pseudonyms(twice, kind, "id")).item() == pseudonym(
            twice, kind, "u-1"
        )
    # HMAC-SHA256(key 02…02 as digits, "rotated" 1f and the 32 digits), cut to 16 bytes: openssl dgst -mac hmac
    assert nested("6a6083f8b674830b6a05fe3718ee7f87", [SECOND]) == "c2adbd5c98cf2e09dfce1c9748924509"


def test_after_a_rotation_the_file_is_what_a_load_under_the_new_key_makes(zone, tmp_path):
    before = {one.hex for _, device, user in persons(zone) for one in (device, user) if one}
    assert holds(zone, *before) == before, "the control"
    assert rotation.rotate(zone.settings, "eu") == len(before)
    assert persons(zone) == sorted(expected(zone, *one) for one in [(0, "ann"), (1, "ann"), (2, "bob"), (9, "eve")])
    assert holds(zone, *before) == set()
    assert key_file(zone.warehouse).stat().st_mode & 0o777 == 0o600

    kept = persons(zone)
    for number, name in enumerate(["ann", "ann", "bob"]):  # upstream sends them again
        zone.archive(page(messageId=f"m-{number}", userId=name, anonymousId=f"{name}-phone"), start=100 + number)
    zone.load()
    assert persons(zone) == kept
    assert zone.fates()["duplicate"] == 3
    assert rotation.rotate(zone.settings, "eu") == len(before)
    assert persons(zone) == sorted(expected(zone, *one) for one in [(0, "ann"), (1, "ann"), (2, "bob"), (9, "eve")])


@pytest.mark.parametrize(
    "at", some(["_replace", "rewrite_if_due", "erasure.enforce", "put_meta", "status.write_snapshot"], fast=2)
)
def test_killed_on_the_way_the_next_run_ends_the_same(zone, at):
    code = f"""
import os
from operations.rights import rotation
from settings import Settings
real = rotation.add_rotation
def add_rotation(*given):
    real(*given)
    rotation.{at} = lambda *_, **__: os._exit(9)
rotation.add_rotation = add_rotation
rotation.rotate(Settings.model_validate_json({zone.settings.model_dump_json()!r}), "eu")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    check_key(zone.settings, "eu")
    rotation.catch_up(zone.settings, "eu")  # as a run begins
    assert len(region_key(zone.warehouse, "eu", "pseudonym").rotations) == 1
    assert persons(zone) == sorted(expected(zone, *one) for one in [(0, "ann"), (1, "ann"), (2, "bob"), (9, "eve")])
    with region_file(zone.settings, "eu") as con:
        assert meta(con, "rewrite_due") is None
    assert holds(zone, pseudonym(region_key(zone.warehouse, "eu", "pseudonym").first, "user", "ann")) == set()


def test_one_that_was_begun_is_ended_and_no_second_one_begins(zone):
    add_rotation(zone.warehouse, "eu")
    assert rotation.rotate(zone.settings, "eu") == 5
    assert len(region_key(zone.warehouse, "eu", "pseudonym").rotations) == 1


def test_who_was_erased_before_or_after_stays_away(zone):
    subjects.erase(zone.settings, Subject(user_id="ann"), None)
    rotation.rotate(zone.settings, "eu")
    subjects.erase(zone.settings, Subject(user_id="bob"), None)
    rotation.rotate(zone.settings, "eu")
    for number, name in enumerate(["ann", "bob"]):
        zone.archive(page(messageId=f"n-{number}", userId=name, anonymousId=f"{name}-phone"), start=200 + number)
    zone.load()
    assert [user for _, _, user in persons(zone)] == [None]
    assert zone.fates()["suppressed"] == 2


def test_a_key_of_the_environment_is_rotated_there(zone, monkeypatch):
    key = region_key(zone.warehouse, "eu", "pseudonym")
    monkeypatch.setenv("ROMI_KEY_EU_PSEUDONYM", key.secret.hex())
    with pytest.raises(UsageError, match="add a comma and 64 new"):
        rotation.rotate(zone.settings, "eu")
    monkeypatch.setenv("ROMI_KEY_EU_PSEUDONYM", f"{key.secret.hex()},{SECOND.hex()}")
    assert rotation.rotate(zone.settings, "eu") == 5
    assert persons(zone) == sorted(expected(zone, *one) for one in [(0, "ann"), (1, "ann"), (2, "bob"), (9, "eve")])


def test_a_file_under_a_later_key_than_the_one_at_hand_is_refused(zone, monkeypatch):
    first = region_key(zone.warehouse, "eu", "pseudonym").secret.hex()
    rotation.rotate(zone.settings, "eu")
    monkeypatch.setenv("ROMI_KEY_EU_PSEUDONYM", first)
    for step in (lambda: check_key(zone.settings, "eu"), lambda: rotation.catch_up(zone.settings, "eu"), zone.load):
        with pytest.raises(UsageError, match="was filled under key"):
            step()


def test_an_experiment_that_draws_by_pseudonym_stands_in_the_way(zone):
    drawn = Experiment(channel="Email", **{"from": "2026-03-01", "to": "2026-03-31"}, assignment="pseudonym")
    settings = Settings(**(zone.settings.model_dump() | {"experiments": {"holdout": drawn}}))
    with pytest.raises(UsageError, match=r"experiments\.holdout draws its control by pseudonym"):
        rotation.rotate(settings, "eu")
    assert not region_key(zone.warehouse, "eu", "pseudonym").rotations
