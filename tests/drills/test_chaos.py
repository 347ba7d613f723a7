"""What the machine may do to a run: each ends with a code and a message, with the incidents that a person would count.

Then the fault is gone and something new lands: the next run is clean, closes what was open, and its tables are those of
a shop that nothing befell.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingestion import load, local_files
from ingestion.books import region_file
from operations.incidents import book
from settings import Settings
from tests.drills.test_lost_files import land
from tests.end_to_end.conftest import NOW, Shop
from tests.ingestion.conftest import HOLD

pytestmark = pytest.mark.slow
CONFIG = """
regions: {eu: {}, us: {}}
privacy: {k_anonymity: 1}
slo: {ingest_latency_ms: 60000}
incidents: {roles: [{role: on_call, address: ops}]}
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Iterator[tuple[Path, dict]]:
    """A shop of two days that is published; and the tables that it comes to with a third."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW)
        patch.delenv("ROMI_KEY_FILE", raising=False)
        shop = Shop(tmp_path_factory.mktemp("chaos") / "shop")
        shop.configure(CONFIG)
        for number in (1, 2):
            land(shop, number)
        assert shop.romi("run")[0] == 0
        folder = shutil.copytree(shop.folder, shop.folder.with_name("kept"), symlinks=True)
        land(shop, 3)
        assert shop.romi("run")[0] == 0
        yield folder, shop.rows()


@pytest.fixture
def shop(kept, tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", NOW)
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{tmp_path / 'notices'}")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(kept[0], tmp_path / "shop", symlinks=True)
    made = Shop(tmp_path / "shop")
    land(made, 3)
    return made


def settings(shop: Shop) -> Settings:
    return Settings(warehouse=shop.warehouse)


def opened(shop: Shop) -> list[tuple[str, list[str]]]:
    """The incidents that a person would count: those that turned out to be part of another are none of their own."""
    return [(str(one.kind), one.regions) for one in book.incidents(settings(shop)) if one.part_of is None]


def live(shop: Shop) -> list[str]:
    return [one.title for one in book.live(settings(shop))]


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[[int], None]]:
    """A file system of so many bytes at the folder; with what it yields it is given another size."""

    def mount(options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True)

    folder.mkdir()
    try:
        mount(f"size={size}")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nobody may mount a file system here")
    try:
        yield lambda bigger: mount(f"remount,size={bigger}")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def ends_well(shop: Shop, kept: tuple[Path, dict]) -> None:
    """The next run, without the fault: it comes through, closes what was open, and is as if there had been none."""
    code, told = shop.romi("run")
    assert (code, told.get("failures")) == (0, [])
    assert (live(shop), shop.rows()) == ([], kept[1])


def said(told: dict) -> str:
    return " ".join([*told.get("failures", ()), told.get("error", ""), *told.get("warnings", ())])


@contextmanager
def held(path: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.communicate(b"\n")


@contextmanager
def renamed(shop: Shop, table: str, to: str) -> Iterator[None]:
    for turn, (one, other) in enumerate(((table, to), (to, table))):
        with region_file(settings(shop), "eu") as con:
            con.execute(f"alter table ops.{one} rename to {other}")
        if not turn:
            yield


def refused_folder(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(folder):
        if not isinstance(folder, int) and shop.landing / "eu" / "events" in [Path(folder), *Path(folder).parents]:
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    patch.setattr(local_files.os, "scandir", scandir)


FAULTS: dict[str, tuple[Callable, str, str]] = {  # what is done, what is said, the kind of incident
    "a folder cannot be read": (refused_folder, "cannot be read: Permission denied", "unreadable"),
    "a load is out of memory": (
        lambda _, patch: patch.setattr(load, "_MEMORY", "1MB"), "memory", "out_of_memory",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_machine_is_one_incident_and_passes(shop, kept, monkeypatch, fault):
    strike, words, kind = FAULTS[fault]
    with monkeypatch.context() as patch:
        strike(shop, patch)
        code, told = shop.romi("run")
    assert (code, words in said(told)) == (1, True), told
    assert [one[0] for one in opened(shop)] == [kind]
    ends_well(shop, kept)


@pytest.mark.parametrize("spare", [0, 400_000, 2_000_000, 6_000_000])
def test_a_full_disk_is_told_and_leaves_what_was_published_and_the_next_run_is_clean(
    kept, tmp_path, monkeypatch, spare
):
    monkeypatch.setenv("ROMI_NOW", NOW)
    monkeypatch.setenv("ROMI_NOTICE_OPS", f"file://{tmp_path / 'notices'}")
    monkeypatch.chdir(tmp_path)
    with small_disk(tmp_path / "disk", 1 << 30) as resize:
        shop = Shop(Path(shutil.copytree(kept[0], tmp_path / "disk" / "shop", symlinks=True)))
        land(shop, 3)
        before = shop.rows()
        used = os.statvfs(shop.folder)
        resize((used.f_blocks - used.f_bfree) * used.f_frsize + spare)
        told = romi(shop)
        assert told["exit_code"] == 1, told
        assert "no space left on" in said(told).lower(), told
        assert shop.rows() == before
        resize(1 << 30)
        assert {kind for kind, _ in opened(shop)} <= {"disk_full"}, "where there is no room, none can be booked"
        ends_well(shop, kept)


def romi(shop: Shop) -> dict:
    """`romi run` in a process of its own, which may end in any way but a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli.main", "run", "--json", "--landing", str(shop.landing),
         "--config", str(shop.folder / "romi.yaml"), "--warehouse", str(shop.warehouse)],
        cwd=shop.folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


def test_a_clock_that_jumps_ahead_and_back_is_an_incident_until_it_is_right(shop, kept, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-23T12:00:00Z")
    code, told = shop.romi("run")
    assert code == 0, told
    monkeypatch.setenv("ROMI_NOW", NOW)
    code, told = shop.romi("run")
    assert (code, opened(shop)) == (0, [("clock", [])]), told
    assert shop.rows() == kept[1]
    for day in (21, 22, 23):  # the nights go on, by the right clock
        monkeypatch.setenv("ROMI_NOW", f"2026-03-{day}T12:30:00Z")
        assert shop.romi("run")[0] == 0
    ends_well(shop, kept)
    levels = shop.romi("status")[1]["regions"]["eu"]["slo"]
    assert levels["freshness_hours.romi_daily"]["error_budget_left"] == 1, "lateness by a wrong clock costs nothing"
    assert opened(shop) == [("clock", [])]


def test_a_region_that_another_process_holds_is_one_incident_and_the_other_region_is_published(shop, kept):
    with held(shop.warehouse / "regions" / "eu.duckdb"):
        code, told = shop.romi("run")
        assert (code, "is held by another process" in said(told)) == (1, True)
        assert opened(shop) == [("lock", ["eu"])]
        assert shop.query("select region, max(date)::varchar from finance.orders_daily group by all order by 1") == [
            ("eu", "2026-03-02"), ("us", "2026-03-03"),
        ]  # fmt: skip
    ends_well(shop, kept)


def test_a_model_that_fails_is_named_and_the_last_good_rows_stand(shop, kept):
    with renamed(shop, "settled_orders", "away"):
        code, told = shop.romi("run")
        assert (code, "eu: dbt could not build" in said(told)) == (1, True), told
        assert opened(shop) == [("failed_run", ["eu"])]
        assert shop.query("select max(date)::varchar from finance.orders_daily where region = 'eu'") == [
            ("2026-03-02",)
        ]
    ends_well(shop, kept)


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_dagsters_storage_is_made_anew_and_only_damage_is_an_incident(shop, kept, how):
    home = shop.warehouse / "dagster"
    if how == "gone":
        shutil.rmtree(home)
    else:
        (home / "history" / "runs.db").write_bytes(b"no database at all" * 1000)
    code, told = shop.romi("run")
    assert (code, shop.rows()) == (0, kept[1]), told
    assert opened(shop) == ([] if how == "gone" else [("journal", [])])
    ends_well(shop, kept)
