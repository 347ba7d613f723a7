"""Every file below a warehouse and beside its keys gone, cut, older or a folder in its place.

Then a run, a run with something new, an erasure or a restore: either the tables, the rows loaded and the tombstones are
those of a warehouse that lost nothing, or the exit code and a message say what is wrong. It never ends with 0 and less.

What a warehouse must have is damaged one file at a time. What it keeps to look at, or makes anew, is damaged all at
once, and by halves where that is not as if nothing had been.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingestion.books import region_file
from operations.backups.backup_places import half_done
from privacy.keys import key_file
from privacy.suppression_book import SuppressionBook
from settings import Settings
from tests.end_to_end.conftest import NOW, Shop, campaign, order, page
from tests.operations.store.memory.test_every_file import DAMAGES, damage

pytestmark = pytest.mark.slow
CONFIG = "regions: {eu: {}, us: {}}\nprivacy: {k_anonymity: 1}\n"
TO_LOOK_AT = ("dagster", "dbt", "quality", "report", "status", "backlog")
# What a warehouse must have: damaged one by one. A file that is of neither kind has not been thought of.
BOOKS = {"backups.jsonl", "confirmed.jsonl", "disposals.jsonl", "incidents.jsonl", "switches.jsonl",
         "owners.jsonl", "requests.jsonl", "suppression.jsonl"}  # fmt: skip
MUST_HAVE = ("regions", "books", "memory", "versions", "backups.json", "warehouse.json")


def land(shop: Shop, number: int, regions: tuple[str, ...] = ("eu", "us")) -> None:
    day, person = f"2026-03-0{number}", f"a-{number}"
    for region in regions:
        shop.archive(region, 10 * number, [
            page(f"{region}-p{number}", f"{day}T10:00:00Z", person, context=campaign("google", "cpc", "brand")),
            order(f"{region}-o{number}", f"{day}T12:00:00Z", f"{region}-{number}", 100 * number, person),
        ])  # fmt: skip


def every_file(shop: Shop) -> Iterator[Path]:
    """Relative to the shop. Of files that are alike, one: of the two regions, of single runs, and of tables."""
    keys = key_file(shop.warehouse)
    tops = [shop.warehouse, *(keys.with_name(f"{keys.name}.{name}") for name in ("memory", "tombstones"))]
    seen = set()
    for path in [*(path for top in tops for path in sorted(top.rglob("*"))), keys, keys.with_name(f"{keys.name}.lock")]:
        if not path.is_file() or path.is_symlink():
            continue
        name = path.relative_to(shop.folder)
        is_of_run = ("runs" in path.parts and path.name != "index.db") or "compute_logs" in path.parts
        is_alike = path.suffix in (".parquet", ".sql", ".html") or is_of_run
        kind = (path.suffix, name.parts[1]) if is_alike else re.sub(r"\bus\b", "eu", str(name))
        if kind not in seen:
            seen.add(kind)
            yield name


def is_to_look_at(name: Path) -> bool:
    is_folder_of_them = any(part in TO_LOOK_AT for part in name.parts[1:2])
    return is_folder_of_them or name.suffix == ".lock" or name.name == ".lock"


def is_known(name: Path) -> bool:
    of_keys = name.parts[0] in ("warehouse.keys", "warehouse.keys.memory", "warehouse.keys.tombstones")
    return of_keys or is_to_look_at(name) or name.parts[1] in MUST_HAVE


@dataclass(frozen=True)
class Ending:
    """What came of something that was done to a damaged warehouse."""

    names: tuple[str, ...]
    code: int | None  # None: it ended with a traceback
    said: str
    is_whole: bool

    @property
    def is_silent(self) -> bool:
        """Less with exit code 0, or a failure of which nobody learns what it is."""
        return not self.is_whole if self.code == 0 else not self.said or "unexpected " in self.said


class Sweep:
    """A warehouse of two regions that was published twice and erased a person, and what it was after its first run."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(folder / "shop")
        self.kept, self.older = folder / "kept", folder / "older"
        self.expected: dict[str, tuple[Any, ...]] = {}
        self.write_books(1, folder / "backups")
        shutil.copytree(self.shop.folder, self.older, symlinks=True)
        self.write_books(2, folder / "backups")
        self.must("dsar", "erase", "--anonymous-id", "a-2", "--yes")
        self.must("run")
        self.backup = self.back_up(folder / "backups")
        self.names = list(every_file(self.shop))
        shutil.copytree(self.shop.folder, self.kept, symlinks=True)

    def write_books(self, number: int, backups: Path) -> None:
        """Something new is loaded, and every book that commands write gets lines."""
        state = ("shadow", "off")[number - 1]
        self.shop.configure(f"{CONFIG}landing: {self.shop.landing}\nfeatures: {{markov: {state}}}\n")
        land(self.shop, number)
        late = page(f"us-l{number}", f"2026-03-0{number}T15:00:00Z", "a-9")
        self.shop.archive("us", 10 * number, [late], topic="app", suffix="json.gz").write_bytes(b"\x1f\x8bcut")
        self.shop.romi("run")  # opens an incident, which the next run closes
        self.shop.archive("us", 10 * number, [late], topic="app", suffix="json.gz")
        self.must("dsar", "rectify", "--anonymous-id", f"a-{number}", "--user-id", f"u-{number}")
        self.must("run")
        half_done(self.back_up(backups)).mkdir()  # as a killed backup leaves it
        self.must("retention", "apply")

    def back_up(self, to: Path) -> Path:
        return Path(self.must("backup", "--to", str(to), "--no-trial")["folder"])

    def must(self, *command: str) -> dict[str, Any]:
        code, told = self.shop.romi(*command)
        assert code == 0, told
        return told

    def begin_again(self) -> None:
        shutil.rmtree(self.shop.folder)
        shutil.copytree(self.kept, self.shop.folder, symlinks=True)

    def do(self, what: str) -> tuple[int, dict[str, Any]]:
        if what == "new input":
            land(self.shop, 3, ("eu",))
        before = {
            "erase": ("dsar", "erase", "--anonymous-id", "a-1", "--yes"),
            "restore": ("restore", str(self.backup), "--force"),
        }
        code, told = self.shop.romi(*before[what]) if what in before else (0, {})
        return (code, told) if code else self.shop.romi("run")

    def holds(self) -> tuple[Any, ...]:
        """What is published, with the rows and the tombstones that no table shows."""
        settings, inside = Settings(warehouse=self.shop.warehouse), []
        for region in ("eu", "us"):
            with region_file(settings, region, read_only=True) as con:
                inside.append(con.execute("select count(*) from raw.events").fetchone())
            inside.append(sorted(SuppressionBook(self.shop.warehouse, region).requests().values()))
        return self.shop.rows(), inside

    def of_whole(self, what: str) -> tuple[Any, ...]:
        """What it comes to where nothing was lost."""
        if what not in self.expected:
            self.begin_again()
            code, told = self.do(what)
            assert code == 0, told
            self.expected[what] = self.holds()
        return self.expected[what]

    def differs(self, name: Path, how: str) -> bool:
        """Nothing is older that has not changed since, and nothing is cut that is empty."""
        content, older = (self.kept / name).read_bytes(), self.older / name
        return older.is_file() and older.read_bytes() != content if how == "older" else how != "cut" or bool(content)

    def after(self, names: list[Path], how: str, what: str) -> Ending:
        expected = self.of_whole(what)
        self.begin_again()
        for name in names:
            damage(self.shop.folder / name, how, self.older / name)
        told_names = tuple(map(str, names))
        try:
            code, told = self.do(what)
            open_for = [str(one) for request in told.get("requests", ()) for one in request.get("missing", ())]
            said = " ".join([str(told.get("error") or ""), *map(str, told.get("failures") or ()), *open_for]).strip()
            return Ending(told_names, code, said, code == 0 and self.holds() == expected)
        except Exception as error:  # what is not told as an error is a traceback to whoever called
            return Ending(told_names, None, f"unexpected {error!r}", False)

    def endings(self, how: str, what: str) -> Iterator[Ending]:
        """Of each file by itself, or of many at once after which all is as if nothing had been."""
        names = [name for name in self.names if self.differs(name, how)]
        waiting = [[one] for one in names if not is_to_look_at(one)]
        waiting += [[one for one in names if is_to_look_at(one)]]
        while waiting:
            some = waiting.pop()
            if not some:
                continue
            ending = self.after(some, how, what)
            if ending.is_whole or len(some) == 1:
                yield ending
            else:
                half = len(some) // 2
                waiting += [some[:half], some[half:]]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Iterator[Sweep]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW)
        patch.delenv("ROMI_KEY_FILE", raising=False)
        folder = tmp_path_factory.mktemp("sweep")
        patch.chdir(folder)  # a romi.yaml of the demo is none of ours
        yield Sweep(folder)


@pytest.mark.parametrize("what", ["run", "erase", "new input", "restore"])
@pytest.mark.parametrize("how", DAMAGES)
def test_after_any_loss_the_tables_are_whole_or_the_exit_code_and_a_message_say_what_is_wrong(sweep, how, what):
    assert len(sweep.names) > 30
    assert {one.name for one in sweep.names if one.suffix == ".jsonl"} >= BOOKS
    assert [name for name in sweep.names if not is_known(name)] == []
    endings = list(sweep.endings(how, what))
    assert [one for one in endings if one.is_silent] == []
    assert any(one.is_whole for one in endings)  # or nothing was shown of what is made anew
