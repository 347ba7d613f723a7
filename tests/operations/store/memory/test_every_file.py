"""Every file of a warehouse and of its keys, one at a time gone, cut, older or a folder: never less without a word.

The whole sweep, with real runs, erasures and restores, is a drill (`tests/drills/test_lost_files.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from operations import status
from operations.store.memory.keeping import remember_books
from operations.store.memory.remembered import mend_places
from privacy.keys import key_file
from settings import RomiError
from tests.ingestion import conftest
from tests.operations.store.memory.shop import Shop

clock = conftest.clock
DAMAGES = ("gone", "cut", "older", "folder")


def every_file(shop: Shop) -> Iterator[Path]:
    """One of many alike stands for all: of the tables as Parquet files, and of the versions that nobody reads."""
    keys = key_file(shop.warehouse)
    for top in (shop.warehouse, keys.with_name(f"{keys.name}.memory"), keys.with_name(f"{keys.name}.tombstones"), keys):
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            is_alike = path.suffix == ".parquet" and path.name != "romi_daily.parquet"
            if path.is_file() and not path.is_symlink() and not is_alike and "000001" not in path.parts:
                yield path


def damage(path: Path, how: str, older: Path) -> bool:
    """False where there is nothing to do to it."""
    if how == "older" and not older.is_file():
        return False
    content, mode = path.read_bytes(), path.stat().st_mode
    path.unlink()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
        path.chmod(mode)
    elif how == "older":
        shutil.copy2(older, path)
    elif how == "folder":
        path.mkdir()
    return True


def published(shop: Shop) -> dict[str, list[Any]]:
    with duckdb.connect(str((shop.settings.published / "marts.duckdb").resolve()), read_only=True) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'finance'").fetchall()
        left_out = ("restatements", "slo_daily")
        return {name: sorted(con.execute(f"from finance.{name}").fetchall(), key=repr)
                for (name,) in tables if name not in left_out}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Iterator[tuple[Shop, Path, Path]]:
    """A warehouse of two runs, a copy of it to begin from again, and one of how it was after the first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-06-02T00:00:00Z")
        shop = Shop(tmp_path_factory.mktemp("whole"))
        shop.land(1)
        shop.write_book(1)
        shop.run()
        older, kept = (tmp_path_factory.mktemp(name) / "all" for name in ("older", "kept"))
        shutil.copytree(shop.folder, older, symlinks=True)
        shop.land(2)
        shop.write_book(2)
        shop.run(revenue=200)
        remember_books(shop.settings, "eu")
        status.refresh(shop.settings)
        shutil.copytree(shop.folder, kept, symlinks=True)
        yield shop, kept, older


@pytest.mark.parametrize("number", range(len(DAMAGES)))
def test_after_any_loss_the_tables_are_as_they_were_or_the_run_says_what_is_wrong(whole, monkeypatch, number):
    monkeypatch.setenv("ROMI_NOW", "2026-06-02T00:00:00Z")
    shop, kept, older = whole
    expected, silent = published(shop), []
    names = [path.relative_to(shop.folder) for path in every_file(shop)]
    assert len(names) > 12
    for place, name in enumerate(names):  # each file with one of the damages, and in the next test with another
        how = DAMAGES[(place + number) % len(DAMAGES)]
        if damage(shop.folder / name, how, older / name):
            with suppress(RomiError):
                mend_places(shop.settings)
                shop.run(revenue=200)
                if published(shop) != expected:
                    silent.append((str(name), how))
            shutil.rmtree(shop.folder)
            shutil.copytree(kept, shop.folder, symlinks=True)
    assert silent == []
