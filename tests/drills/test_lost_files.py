"""Every file below a warehouse and beside its keys, one at a time, gone, cut, older or a folder in its place.

Then a run, a run with something new, an erasure or a restore: either the tables are those of a warehouse that lost
nothing, or the exit code and a message say what is wrong. It never ends with 0 and less.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy.keys import key_file
from tests.end_to_end import conftest
from tests.end_to_end.conftest import Shop, campaign, order, page
from tests.operations.store.memory.test_every_file import DAMAGES, damage

pytestmark = pytest.mark.slow
shop = conftest.shop
PERSON = ("dsar", "erase", "--anonymous-id", "a-1", "--yes")
PARTS = 4  # of the files: each takes some minutes, and they run side by side
CONFIG = "regions: {eu: {}, us: {}}\nprivacy: {k_anonymity: 1}\n"


def land(shop: Shop, number: int) -> None:
    day, person = f"2026-03-0{number}", f"a-{number}"
    for region in ("eu", "us"):
        shop.archive(region, 10 * number, [
            page(f"{region}-p{number}", f"{day}T10:00:00Z", person, context=campaign("google", "cpc", "brand")),
            order(f"{region}-o{number}", f"{day}T12:00:00Z", f"{region}-{number}", 100 * number, person),
        ])  # fmt: skip


def every_file(shop: Shop) -> Iterator[Path]:
    """Of files that are alike, one: Parquet files, compiled models, pages, and the journals of single runs."""
    keys = key_file(shop.warehouse)
    tops = [shop.warehouse, *(keys.with_name(f"{keys.name}.{name}") for name in ("memory", "tombstones"))]
    seen = set()
    for path in [*(path for top in tops for path in sorted(top.rglob("*"))), keys, keys.with_name(f"{keys.name}.lock")]:
        if not path.is_file() or path.is_symlink():
            continue
        folder = path.parent.name if path.suffix in (".parquet", ".sql", ".html", ".yml") else str(path.parent)
        is_alike = path.suffix in (".parquet", ".sql", ".html") or ("runs" in path.parts and path.name != "index.db")
        kind = (path.suffix, "dbt" in path.parts or folder) if is_alike else path
        if kind not in seen:
            seen.add(kind)
            yield path


def do(shop: Shop, what: str, backup: Path) -> tuple[int, dict]:
    if what == "new input":
        land(shop, 4)
    if what == "erase":
        code, told = shop.romi(*PERSON)
        return (code, told) if code else shop.romi("run")
    if what == "restore":
        code, told = shop.romi("restore", str(backup), "--force")
        return (code, told) if code else shop.romi("run")
    return shop.romi("run")


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("what", ["run", "new input", "erase", "restore"])
@pytest.mark.parametrize("how", DAMAGES)
def test_after_any_loss_the_tables_are_whole_or_the_exit_code_and_a_message_say_what_is_wrong(shop, what, how, part):
    shop.configure(CONFIG)
    land(shop, 1)
    assert shop.romi("run")[0] == 0
    older = shutil.copytree(shop.folder, shop.folder.with_name("older"), symlinks=True)
    land(shop, 2)
    land(shop, 3)
    assert shop.romi("run")[0] == 0
    assert shop.romi("dsar", "erase", "--anonymous-id", "a-3", "--yes")[0] == 0
    backup = Path(shop.romi("backup", "--to", str(shop.folder / "backups"), "--no-trial")[1]["folder"])
    kept = shutil.copytree(shop.folder, shop.folder.with_name("kept"), symlinks=True)
    names = [path.relative_to(shop.folder) for path in every_file(shop)]
    assert len(names) > 25
    assert do(shop, what, backup)[0] == 0
    expected, silent = shop.rows(), []
    for name in names[part::PARTS]:
        shutil.rmtree(shop.folder)
        shutil.copytree(kept, shop.folder, symlinks=True)
        if not damage(shop.folder / name, how, older / name):
            continue
        code, told = do(shop, what, backup)
        is_told = bool(told.get("error") or told.get("failures"))
        if (code == 0 and shop.rows() != expected) or (code != 0 and not is_told):
            silent.append((str(name), code))
    assert silent == []
