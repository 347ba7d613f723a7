"""The drill of an outage: a shop of two regions whose queue stands still in one of them for three days.

Then everything comes at once: out of order, much of it twice, with archives that are missing, cut short or corrupt,
while recoveries are killed. It has to end at the rows of the shop that had no outage, and to open the incidents that
:data:`EXPECTED` states beforehand, and no others.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from operations.incidents import book
from operations.incidents.incident import Incident
from operations.recovery.look import look
from settings import Settings, load_settings
from tests.drills.nursery import Nursery
from tests.drills.outage.source import DAYS, REGIONS, Source, evening
from tests.end_to_end.conftest import Shop

LAST = date(2026, 3, 19)  # the shop's last day
STOPPED = LAST - timedelta(days=3)  # the last day of which eu's archives come in time
FLOOD = datetime(2026, 3, 20, 6, tzinfo=UTC)  # when they begin to come again, for six hours
MENDED = datetime(2026, 3, 20, 21, tzinfo=UTC)  # when upstream has sent again what was damaged
CONFIG = """
regions:
  eu: {timezone: Europe/Berlin, consent_default: denied, margin_rate: "0.45", replica: REPLICA}
  us: {timezone: America/New_York, consent_default: granted}
privacy: {k_anonymity: 1}  # what small cells show depends on what was published before; with 1 nothing does
"""
# What a person would count: the queue that stood still, and then storage that damaged files, whether the replica could
# serve for them or not. Days that lack their orders and service levels that suffer belong to these two.
EXPECTED = [("late_region", ["eu"]), ("corrupt_archives", ["eu"])]
EXPECTED_FAILOVERS = {"missing": 2, "cut short": 2}
_LEAST_KILLS = 6
_MOST_RECOVERIES = 12  # after the flood, until one comes to its end
IMPORTS = """
import os
from pathlib import Path
from orchestration import jobs, pipeline, recovery
from operations.rebuilding.engine import manifest
from settings import load_settings
import dbt.adapters.duckdb, dbt.cli.main
jobs.definitions()
pipeline.warm_up = lambda: None
"""


class Drill:
    """The shop with the outage, the calm one without, and what was found on the way."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self.tell, self.folder, self.rng = tell, folder, random.Random(21)
        self.source = Source(folder / "source", LAST, self.rng)
        self.late = self.source.archives("eu", STOPPED + timedelta(days=1), LAST)
        self.rng.shuffle(self.late)
        self.damage = self.source.damage(self.late)
        self.shop, self.calm = self._shop("outage"), self._shop("calm")
        self.kills = 0
        self.problems: list[str] = []

    def _shop(self, name: str) -> Shop:
        (self.folder / name / "replica" / "eu").mkdir(parents=True)
        shop = Shop(self.folder / name)
        shop.configure(CONFIG.replace("REPLICA", str(self.folder / name / "replica")))
        return shop

    def play(self) -> None:
        """The whole drill; :meth:`judge` says what it came to."""
        with Nursery(IMPORTS) as self.nursery:
            for act in (self.before, self.outage, self.flood, self.recovery, self.mended, self.without):
                act()

    def before(self) -> None:
        for region in REGIONS:
            self.source.land(self.shop, self.source.archives(region, LAST - timedelta(days=DAYS - 1), STOPPED))
        self.source.tables(self.shop, STOPPED)
        at = _noon_after(STOPPED)
        self.run(self.shop, at)
        self.watched = at
        self.tell(f"{at:%F %H:%M} both regions are loaded and published")

    def outage(self) -> None:
        """Two nights on which eu lands no event; its ledger and cost, from elsewhere, go on."""
        for day in (STOPPED + timedelta(days=1), STOPPED + timedelta(days=2)):
            self.land_in_time("us", day)
            self.watch_until(at := _noon_after(day))
            self.run(self.shop, at)
            self.check_us(day)
            self.tell(f"{at:%F %H:%M} nothing came from eu; us is published up to {day}")

    def flood(self) -> None:
        """For six hours a part of eu's archives each hour, and a recovery that is killed."""
        self.land_in_time("us", LAST)
        for n in range(6):
            self.watch_until(at := FLOOD + timedelta(hours=n))
            self.source.land_damaged(self.shop, self.late[n::6], at, self.damage)
            self.watch(at)
            self.run(self.shop, at + timedelta(minutes=20), "recovery.recover", 0.5 + n / 2 + self.rng.random())
        self.tell(f"{at:%F %H:%M} all has come; {self.kills} of 6 recoveries were killed on their way")

    def recovery(self) -> None:
        """Recoveries that are killed, each later than the one before, until one comes to its end."""
        kill_after = 2.0
        for n in range(_MOST_RECOVERIES):
            at = FLOOD + timedelta(hours=6, minutes=5 * n)
            if self.run(self.shop, at, "recovery.recover", kill_after) != -9:
                break
            kill_after *= 1.6
        else:
            self.problems.append(f"none of {_MOST_RECOVERIES} recoveries came to its end in {kill_after:.0f} seconds")
        self.check_us(LAST)
        self.tell(f"{at:%F %H:%M} recovered, but for archives that nobody has whole; {self.kills} kills in all")

    def mended(self) -> None:
        """That evening, before the next night's archives are due, upstream has sent again what was damaged."""
        again = [*self.damage.missing, *self.damage.cut, *self.damage.corrupt]
        self.watch_until(sent := MENDED - timedelta(hours=1))
        self.source.land(self.shop, again, sent)
        self.watch(sent)
        self.failovers = self.count_failovers()
        self.run(self.shop, MENDED)
        self.tell(f"{MENDED:%F %H:%M} what was damaged has come again")

    def without(self) -> None:
        """The same shop without the outage, published once, at the same moment."""
        for region in REGIONS:
            self.source.land(self.calm, self.source.archives(region, LAST - timedelta(days=DAYS - 1), LAST))
        self.source.tables(self.calm, LAST)
        self.run(self.calm, MENDED)

    def run(self, shop: Shop, at: datetime, work: str = "pipeline.run", kill_after: float | None = None) -> int:
        """One command in a process of its own, at a moment, killed after so many seconds; its exit code."""
        places = f"landing={str(shop.landing)!r}, warehouse=Path({str(shop.warehouse)!r})"
        code = (
            f"os.environ['ROMI_NOW'] = {at.isoformat()!r}\nconfig = Path({str(shop.folder / 'romi.yaml')!r})\n"
            f"outcome = {work}(load_settings(config, {places}), config)\n"
            "assert not outcome.failures, outcome.failures\nos._exit(outcome.exit_code)"
        )
        status, _ = self.nursery.run(code, kill_after)
        self.kills += status == -9
        if status not in (0, 3, *([-9] if kill_after else [])):
            self.problems.append(f"{work} at {at:%F %H:%M} ended with {status}")
        if shop is self.shop:
            self.watch(at + timedelta(minutes=2))
        return status

    def land_in_time(self, region: str, day: date) -> None:
        """A day's archives of one region, and that night's tables of all."""
        self.watch_until(evening(day))
        self.source.land(self.shop, self.source.archives(region, day, day))
        self.source.tables(self.shop, day)
        self.watch(evening(day))

    def watch_until(self, at: datetime) -> None:
        """Look at what waits each hour up to a moment."""
        while self.watched + timedelta(hours=1) <= at:
            self.watch(self.watched + timedelta(hours=1))

    def watch(self, at: datetime) -> None:
        """Look at what waits as Dagster's sensor does, which keeps the history."""
        self.watched = at
        with clock(at):
            for region in REGIONS:
                look(self.settings(self.shop), region, None)

    def check_us(self, day: date) -> None:
        """The other region is published with its last day, whatever happens to the first."""
        [(reached,)] = self.shop.query("select input_watermark from meta.versions where region = 'us'")
        [(shown,)] = self.shop.query("select max(date) from finance.romi_daily where region = 'us'")
        if min(reached.date(), shown) < day:
            self.problems.append(f"us was late: {reached} was its input and {shown} its last row, {day} was due")

    def settings(self, shop: Shop) -> Settings:
        return load_settings(shop.folder / "romi.yaml", landing=str(shop.landing), warehouse=shop.warehouse)

    def incidents(self, shop: Shop) -> list[Incident]:
        return book.incidents(self.settings(shop))

    def count_failovers(self) -> Counter[str]:
        """Archives for which the replica served, by what the landing zone's own copy was."""
        with self.shop.region("eu") as con:
            rows = con.execute("select distinct name, why from ops.failovers where is_served").fetchall()
        return Counter(why.partition(",")[0] for _, why in rows)

    def differences(self) -> list[str]:
        """Tables of finance, but for `slo_daily` and `restatements`, with other rows than the calm shop's."""
        here, there = self.shop.rows(), self.calm.rows()
        return [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]

    def judge(self) -> list[str]:
        """What did not come to what was stated beforehand."""
        found = [*self.problems, *(f"finance.{name} differs from the calm shop's" for name in self.differences())]
        opened = [(str(one.kind), one.regions) for one in self.incidents(self.shop)]
        if opened != EXPECTED:
            found.append(f"incidents {opened}, expected {EXPECTED}")
        found += [f"still open: {one.title}" for one in self.incidents(self.shop) if one.is_live]
        found += [f"in the calm shop: {one.title}" for one in self.incidents(self.calm)]
        if self.failovers != EXPECTED_FAILOVERS:
            found.append(f"failovers {dict(self.failovers)}, expected {EXPECTED_FAILOVERS}")
        if self.kills < _LEAST_KILLS:
            found.append(f"{self.kills} recoveries were killed, at least {_LEAST_KILLS} are meant to be")
        return found


@contextmanager
def clock(at: datetime) -> Iterator[None]:
    """The warehouse's clock stands at a moment."""
    kept = os.environ.get("ROMI_NOW")
    os.environ["ROMI_NOW"] = at.isoformat()
    try:
        yield
    finally:
        if kept is None:
            del os.environ["ROMI_NOW"]
        else:
            os.environ["ROMI_NOW"] = kept


def _noon_after(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=1)
