"""What a closed month is made anew of: the locked files, each known by its hash, from a folder or from a bucket."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.fs as pafs
import pytest

from operations.closes.contents import CONFIGURATION, INPUTS, SET_ASIDE
from operations.closes.locks import Lock
from operations.closes.recompute import recompute
from operations.closes.verify import Verified
from settings import Settings, UsageError
from settings.durable import write_json
from tests.kit.object_store import object_store, options

FILES = {
    "fx/eurofxref-hist.csv": b"Date,USD", "eu/ledger/orders.csv": b"order_id", "us/ledger/orders.csv": b"other",
    "eu/events/topics/web/partition=0/web+0+0000000000.json": b"{}", "eu/spend/google_ads/über.csv": b"cost",
}  # fmt: skip


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A landing zone with a file that was not loaded when the month was closed."""
    folder = tmp_path / "landing"
    for name, content in {**FILES, "eu/ledger/later.csv": b"later"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def bucket(landing: Path):
    """The same in a bucket: its address, and a client to it."""
    with object_store() as server:
        store, _ = pafs.FileSystem.from_uri(f"s3://shop?{options(server)}&allow_bucket_creation=true")
        store.create_dir("shop")
        pafs.copy_files(str(landing), "shop/landing", destination_filesystem=store)
        yield f"s3://shop/landing?{options(server)}", store


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    folder = tmp_path / "warehouse/closes/2026-01/1"
    folder.mkdir(parents=True)
    write_json(folder / CONFIGURATION, {"retention": {}, "regions": {"eu": {}, "us": {}}})
    rows = []
    for place, content in FILES.items():
        region, _, below = place.partition("/")
        kind, name = ("fx", place) if region == "fx" else (below.partition("/")[0], below)
        for one in ("eu", "us") if kind == "fx" else (region,):
            rows.append({"region": one, "kind": kind, "name": name, "sha256": hashlib.sha256(content).hexdigest()})
    pl.DataFrame(rows).write_parquet(folder / INPUTS)
    pl.DataFrame(schema=["region"]).write_parquet(folder / SET_ASIDE)
    return Lock(date(2026, 1, 1), 1, folder, "", {})


def made_of(tmp_path: Path, lock: Lock, landing: str) -> tuple[dict[str, bytes], list[str]]:
    """What a run in the throwaway warehouse was given, and what is said to differ."""
    given: dict[str, bytes] = {}

    def run(made: Settings, _: Path):
        root = Path(made.landing)
        given.update({str(one.relative_to(root)): one.read_bytes() for one in root.rglob("*") if one.is_file()})
        return ["no further"], {}

    found = Verified(lock)
    recompute(Settings(warehouse=tmp_path / "warehouse", landing=landing), found, run)
    return given, [str(one) for one in found.differences]


def test_it_is_given_the_locked_files_and_nothing_else_from_a_folder_and_from_a_bucket(tmp_path, landing, bucket, lock):
    for place in (str(landing), bucket[0]):
        assert made_of(tmp_path, lock, place) == (FILES, ["recomputing: no further"])


def test_an_input_that_is_gone_or_another_is_named_and_nothing_is_made_anew(tmp_path, landing, bucket, lock):
    address, store = bucket
    (landing / "eu/ledger/orders.csv").write_bytes(b"changed!")
    (landing / "us/ledger/orders.csv").unlink()
    store.delete_file("shop/landing/us/ledger/orders.csv")
    with store.open_output_stream("shop/landing/eu/ledger/orders.csv") as file:
        file.write(b"changed!")
    for place, shown in ((str(landing), str(landing)), (address, "s3://shop/landing")):
        assert made_of(tmp_path, lock, place) == ({}, [
            f"{shown}/eu/ledger/orders.csv: is not the file that was loaded",
            "us/ledger/orders.csv: is not in the landing zone any more",
        ])  # fmt: skip


def test_without_a_landing_zone_it_says_so(tmp_path, lock):
    for place in (str(tmp_path / "none"), "ftp://shop/landing"):
        with pytest.raises(UsageError, match="landing"):
            made_of(tmp_path, lock, place)
