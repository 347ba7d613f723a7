"""An erased person never comes back through what can be lost: the disk, a book, the landing zone, a region's file."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from ingestion.books import region_file
from ingestion.landing import discover
from operations.backups import backup
from operations.backups.restore import restore
from operations.removal import erasure
from operations.rights import erasures, open_erasures, rotation, subjects
from operations.rights.requests import RequestBook, unfinished
from operations.rights.subjects import Subject
from operations.store.locks import exclusive
from operations.store.memory.findings import LostStateError
from operations.store.memory.keeping import refuse_copies, remember_open_file
from operations.store.memory.remembered import places
from privacy.suppression_book import ForgottenError, SuppressionBook
from privacy.tombstone_memory import copy_of
from tests.operations.rights.test_erased_never_return import DEVICES, PERSONS, Rights

WAYS = ("user_id", "anonymous_id", "email")


class Losses(Rights):
    """The same persons and rules; what needs the landing zone brings it back first."""

    @initialize()
    def open_shop(self):
        self.away = None
        self.waiting: dict[str, tuple] = {}  # by name: since when an erasure by address waits
        super().open_shop()

    # What the shop does when the landing zone is there.

    def land(self, *records, **place):
        self.bring_back()
        self.zone.archive(*records, **place)
        self.run()

    def run(self):
        """What `romi run` does about persons."""
        with exclusive(self.zone.settings):
            open_erasures.look_again(self.zone.settings, "eu")
            erasure.enforce(self.zone.settings, "eu")
            rotation.catch_up(self.zone.settings, "eu")
            self.zone.load()
            erasures.conclude(self.zone.settings)
        assert unfinished(self.zone.settings) == [], "everything can be looked into again"
        for name, since in self.waiting.items():
            self.erased_at[name], self.back[name] = since, 0
        self.waiting = {}

    def bring_back(self):
        if self.away:
            self.away.rename(self.zone.landing)
            self.away = None
            self.run()

    @rule()
    def replay_letters(self):
        self.bring_back()
        super().replay_letters()

    # What is lost.

    @precondition(lambda self: not self.away)
    @rule()
    def lose_landing_zone(self):
        self.away = self.zone.landing.rename(self.folder / "away")

    @precondition(lambda self: self.away)
    @rule()
    def landing_zone_is_back(self):
        self.tick()
        self.bring_back()

    @precondition(lambda self: not self.away)
    @rule()
    def rename_region(self):
        """Under another name its archives would count again, and no tombstone of the old name would hold."""
        same, landing = self.zone.settings, self.zone.landing
        with region_file(same, "eu") as con:
            remember_open_file(con, same, "eu")
        renamed = same.model_copy(update={"regions": {"europe": same.region("eu")}})
        (landing / "eu").rename(landing / "europe")
        try:
            if landed := discover(renamed, "europe"):
                with pytest.raises(LostStateError, match="are in the books of region eu"):
                    refuse_copies(renamed, "europe", landed)
        finally:
            (landing / "europe").rename(landing / "eu")
            for place in places(same):  # what else is lost here is not to be told by the memory
                shutil.rmtree(place, ignore_errors=True)

    @rule(which=st.sampled_from(["book", "copy", "requests"]))
    def lose_a_book(self, which):
        book = SuppressionBook(self.zone.warehouse, "eu")
        places = {"book": book.lines.path, "copy": copy_of(self.zone.warehouse, "eu").path,
                  "requests": book.lines.path.with_name("requests.jsonl")}  # fmt: skip
        places[which].unlink(missing_ok=True)
        if which != "requests":
            book.mend()

    @rule()
    def lose_both_places_of_tombstones(self):
        """Nothing is loaded, erased or restored until one is put back."""
        book = SuppressionBook(self.zone.warehouse, "eu")
        book.mend()
        places = [book.lines.path, copy_of(self.zone.warehouse, "eu").path]
        if not places[0].exists():
            return
        kept = [one.read_bytes() for one in places]
        for one in places:
            one.unlink()
        with pytest.raises(ForgottenError):
            self.zone.load()
        with pytest.raises(ForgottenError):
            erasure.enforce(self.zone.settings, "eu")
        for one, content in zip(places, kept, strict=True):
            one.write_bytes(content)

    @rule()
    def back_up(self):
        self.tick()
        self.backups.append(backup.back_up(self.zone.settings, self.folder / "backups").folder)

    @precondition(lambda self: self.backups)
    @rule(data=st.data(), is_disk_lost=st.booleans())
    def restore(self, data, is_disk_lost):
        self.restored(data.draw(st.sampled_from(self.backups)), is_disk_lost)

    def restored(self, folder, is_disk_lost):
        self.tick()
        if is_disk_lost:
            shutil.rmtree(self.zone.warehouse)
        restore(self.zone.settings, folder, force=not is_disk_lost)
        self.back = dict.fromkeys(PERSONS, -1)

    # Who asks to be erased.

    @rule(name=st.sampled_from(PERSONS), by=st.sampled_from(WAYS))
    def erase(self, name, by):
        self.tick()
        if name in self.waiting:
            return
        outcome = self.asked(name, by)
        assert outcome.failures == {}
        assert outcome.exit_code == (1 if self.away else outcome.exit_code if name in self.erased_at else 0)
        if by == "email" and self.away:
            self.waiting[name] = self.now
        else:
            self.erased_at[name], self.back[name] = self.now, 0

    def asked(self, name, by):
        value = {"user_id": name, "anonymous_id": DEVICES[name][0], "email": f"{name}@shop.example"}[by]
        return subjects.erase(self.zone.settings, Subject(**{by: value}), None)

    @rule(name=st.sampled_from(PERSONS), by=st.sampled_from(WAYS))
    def erase_without_the_regions_file(self, name, by):
        """It cannot be opened; when it is back, the next run does what was asked."""
        self.tick()
        self.bring_back()
        path = self.zone.settings.region_file("eu")
        kept = path.rename(self.folder / "kept")
        path.write_bytes(b"no database")
        outcome = self.asked(name, by)
        assert outcome.exit_code == 1
        assert outcome.open
        kept.replace(path)
        self.erased_at[name], self.back[name] = self.now, 0
        self.run()


def check(machine):
    machine.nobody_is_back()
    machine.a_returning_person_has_what_they_consented_to_and_nothing_else()
    machine.every_order_is_there_and_every_record_has_its_fate()


def test_each_loss_once_and_nobody_is_back():
    """The small variant of the machine: every new rule, in an order that takes them through one another."""
    machine = Losses()
    machine.open_shop()
    try:
        for step in (
            machine.back_up,
            machine.lose_landing_zone,
            lambda: machine.erase("ann", "email"),
            lambda: machine.erase("bob", "anonymous_id"),
            lambda: machine.lose_a_book("book"),
            lambda: machine.restored(machine.backups[0], is_disk_lost=True),
            machine.lose_both_places_of_tombstones,
            machine.landing_zone_is_back,
            machine.rename_region,
            lambda: machine.consent_anew("ann"),
            lambda: machine.erase_without_the_regions_file("ann", "user_id"),
            lambda: machine.lose_a_book("requests"),
            lambda: machine.order("bob"),
            lambda: machine.restored(machine.backups[0], is_disk_lost=False),
            lambda: machine.event("ann", True, 1),
        ):
            step()
            check(machine)
        assert set(machine.erased_at) == set(PERSONS)
        assert all(one.done_at for one in RequestBook(machine.zone.settings, "eu").requests().values())
    finally:
        machine.teardown()


TestLosses = pytest.mark.slow(Losses.TestCase)
TestLosses.settings = settings(
    max_examples=20, stateful_step_count=16, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
