"""An erased person never comes back, whatever comes in whichever order (a state machine, without the models)."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ingestion.books import region_file
from ingestion.dead_letters import Which
from ingestion.replay import replay
from operations.rights import rotation, subjects
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from privacy.keys import Key, add_rotation, region_key
from privacy.pseudonyms import nested, pseudonym
from privacy.suppression_book import SuppressionBook
from settings import Settings
from tests.ingestion.conftest import Zone
from tests.kit.examples import examples

PERSONS = ("ann", "bob")
START = datetime(2026, 3, 1)
DEVICES = {name: (f"{name}-phone", f"{name}-laptop") for name in PERSONS}


class Rights(RuleBasedStateMachine):
    """Persons with two devices each, seen with their user id from the start. Time goes on by an hour at each step."""

    @initialize()
    def open_shop(self):
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp())
        self.patch.delenv("ROMI_KEY_FILE", raising=False)
        self.zone = Zone(
            self.folder, regions={"eu": {"consent_default": "granted"}}, privacy={"encryption_at_rest": False}
        )  # bytes are looked at
        self.hour, self.number = 0, 0
        self.sent: list[list[dict]] = []
        self.erased_at: dict[str, datetime] = {}
        self.back: dict[str, int] = dict.fromkeys(PERSONS, 0)  # records with new consent since the last erasure
        self.orders = self.rotations = 0
        self.backups: list[Path] = []
        self.tick()
        with exclusive(self.zone.settings):
            for name in PERSONS:
                self.load([self.page(name, device=device, email=f"{name}@shop.example") for device in DEVICES[name]])

    def teardown(self):
        if hasattr(self, "patch"):
            self.patch.undo()
            shutil.rmtree(self.folder)

    def tick(self):
        self.hour += 1
        self.now = START + timedelta(hours=self.hour)
        self.patch.setenv("ROMI_NOW", self.now.isoformat() + "Z")

    def page(self, name, *, device=None, at=None, consent=None, with_user=True, email=None, **fields):
        self.number += 1
        moment = (at or self.now).isoformat() + "Z"
        return {
            "messageId": f"m-{self.number}", "type": "page", "timestamp": moment, "receivedAt": moment,
            **({"userId": name} if with_user else {}), "anonymousId": device or DEVICES[name][0], **fields,
            "context": {
                **({} if consent is None else {"consent": {"categoryPreferences": {"Analytics": consent}}}),
                **({"traits": {"email": email}} if email else {}),
            },
        }  # fmt: skip

    def load(self, records):
        self.sent.append(records)
        self.land(*records, start=1000 * len(self.sent))

    def land(self, *records, **place):
        self.zone.archive(*records, **place)
        self.zone.load()

    @rule(name=st.sampled_from(PERSONS), with_user=st.booleans(), device=st.integers(0, 1))
    def event(self, name, with_user, device):
        self.tick()
        self.load([self.page(name, device=DEVICES[name][device], with_user=with_user)])

    @rule(name=st.sampled_from(PERSONS))
    def order(self, name):
        self.tick()
        self.orders += 1
        properties = {"order_id": f"o-{self.orders}", "revenue": 10, "currency": "EUR"}
        self.load([self.page(name, type="track", event="Order Completed", properties=properties)])

    @precondition(lambda self: self.erased_at)
    @rule(data=st.data(), hours=st.integers(1, 6), consent=st.sampled_from([None, True]))
    def late(self, data, hours, consent):
        """Something of before comes now, received when it happened; consent stated before the erasure is none."""
        self.tick()
        name = data.draw(st.sampled_from(sorted(self.erased_at)))
        at = self.now - timedelta(hours=hours)
        record = self.page(name, at=at, consent=consent)
        self.load([record])
        if consent and at > self.erased_at[name] and self.back[name] >= 0:
            self.back[name] += 1

    @rule(name=st.sampled_from(PERSONS))
    def consent_anew(self, name):
        self.tick()
        self.load([self.page(name, consent=True)])
        self.back[name] += self.back[name] >= 0

    @rule(data=st.data())
    def duplicate(self, data):
        """An archive comes again under another name."""
        self.tick()
        records = data.draw(st.sampled_from(self.sent))
        self.land(*records, start=500_000 + self.hour)

    @rule()
    def dead_letters(self):
        self.tick()
        line = '{"event_timestamp": %d, "event_name": "page_view", "user_id": "%s", "user_pseudo_id": "%s"}'
        moment = int((self.now - datetime(1970, 1, 1)).total_seconds() * 1_000_000)
        lines = [line % (moment, name, DEVICES[name][0]) for name in PERSONS]
        self.land(*lines, topic="app", start=self.hour * 1000)

    @rule()
    def replay_letters(self):
        self.tick()
        fixed = self.zone.settings.model_copy(update={"topics": Settings(topics={"app": {"format": "ga4"}}).topics})
        replay(fixed, "eu", Which())

    @rule()
    def back_up(self):
        copy = self.folder / f"backup-{self.hour}"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.zone.warehouse, copy)
        self.backups.append(copy)

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data):
        """The region's file of then; the books of persons' rights are merged, and put in force again."""
        from operations.removal import erasure

        self.tick()
        backup = data.draw(st.sampled_from(self.backups))
        shutil.copyfile(backup / "regions" / "eu.duckdb", self.zone.settings.region_file("eu"))
        theirs = backup / "books" / "eu" / "suppression.jsonl"
        if theirs.exists():
            SuppressionBook(self.zone.warehouse, "eu").merge(theirs)
        erasure.enforce(self.zone.settings, "eu")
        rotation.catch_up(self.zone.settings, "eu")  # the key may have been rotated since
        self.back = dict.fromkeys(PERSONS, -1)  # how many there are now follows from the backup

    @precondition(lambda self: self.rotations < 2)
    @rule(is_killed=st.booleans())
    def rotate(self, is_killed):
        """The region's key is rotated; where that was killed, what comes next ends it."""
        self.tick()
        self.rotations += 1
        before = len(region_key(self.zone.warehouse, "eu", "pseudonym").rotations)
        if is_killed:
            add_rotation(self.zone.warehouse, "eu")
            assert rotation.catch_up(self.zone.settings, "eu") is not None
        else:
            rotation.rotate(self.zone.settings, "eu")
        assert len(region_key(self.zone.warehouse, "eu", "pseudonym").rotations) == before + 1

    @rule(name=st.sampled_from(PERSONS), by=st.sampled_from(["user_id", "anonymous_id"]))
    def erase(self, name, by):
        self.tick()
        value = name if by == "user_id" else DEVICES[name][0]
        outcome = subjects.erase(self.zone.settings, Subject(**{by: value}), None)
        assert outcome.failures == {}
        self.erased_at[name], self.back[name] = self.now, 0

    @invariant()
    def nobody_is_back(self):
        if not self.erased_at:
            return
        key = region_key(self.zone.warehouse, "eu", "pseudonym")
        content = self.zone.settings.region_file("eu").read_bytes()
        with region_file(self.zone.settings, "eu", read_only=True) as con:
            for name in self.erased_at:
                # In every form that rotations gave them.
                forms = [Key("eu", "pseudonym", key.secret, key.rotations[:n]) for n in range(len(key.rotations) + 1)]
                plain = [("user", name), *(("anonymous", one) for one in DEVICES[name])]
                old = [pseudonym(form, kind, one) for form in forms for kind, one in plain]
                assert con.execute(
                    "select count(*) from raw.events where list_contains($old::uuid[], user_id)"
                    " or list_contains($old::uuid[], anonymous_id)", {"old": old},
                ).fetchall() == [(0,)], name  # fmt: skip
                for one in old:
                    assert (int(one, 16) ^ (1 << 127)).to_bytes(16, "little") not in content

    @invariant()
    def a_returning_person_has_what_they_consented_to_and_nothing_else(self):
        suppression = SuppressionBook(self.zone.warehouse, "eu").load()
        if suppression is None:
            return
        key = region_key(self.zone.warehouse, "eu", "pseudonym")
        with region_file(self.zone.settings, "eu", read_only=True) as con:
            for name in self.erased_at:
                (*_, current) = suppression.life(key, "user", pseudonym(key.first, "user", name))
                current = nested(current, key.rotations)
                query = "select count(*) from raw.events where user_id = ?::uuid"
                found = con.execute(query, [current]).fetchall()[0][0]
                assert self.back[name] in (-1, found)

    @invariant()
    def every_order_is_there_and_every_record_has_its_fate(self):
        with region_file(self.zone.settings, "eu", read_only=True) as con:
            kept = con.execute("select count(distinct order_id) from raw.events where order_id is not null").fetchall()
            assert kept[0][0] == self.orders or -1 in self.back.values()
        fates = self.zone.fates()
        dead = sum(fates.pop("dead_letter", {}).values())
        assert fates.pop("read") == dead + sum(fates.values())


TestRights = Rights.TestCase
TestRights.settings = settings(
    max_examples=examples(8, fast=2), stateful_step_count=14, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
