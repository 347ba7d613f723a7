"""The ingest benchmarks, each measurement in a process of its own; only ratios within a run mean something."""

from __future__ import annotations

import gzip
import shutil
import statistics
import sys
import time
import zlib
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from benchmarks.process import Cost, run
from operations import sample_shop

UNTIL = date(2026, 3, 19)
LATENCY_ARCHIVES = 200

_FLOOR = "from benchmarks import floor; from pathlib import Path; floor.seconds(Path(argv[0]), Path(argv[1]), runs=1)"
_LOAD = """
from ingestion.load import load_region
from settings import Region, Settings
settings = Settings(landing=argv[0], warehouse=argv[1], regions={"eu": Region(consent_default="granted")})
load_region(settings, "eu")
"""
_DLT = """
import dlt
from dlt.sources.filesystem import filesystem, read_jsonl
files = filesystem(bucket_url=argv[0], file_glob="*/events/topics/**/*.json.gz")
destination = dlt.destinations.duckdb(argv[1] + "/dlt.duckdb")
pipeline = dlt.pipeline("bench", pipelines_dir=argv[1], destination=destination, dataset_name="raw")
pipeline.run((files | read_jsonl()).with_name("events"))
"""
_LATENCY = """
import time
from ingestion import load
from ingestion.books import region_file
from ingestion.commit import commit
from ingestion.landing import discover
from privacy.keys import region_key
from settings import Region, Settings
settings = Settings(landing=argv[0], warehouse=argv[1], regions={"eu": Region(consent_default="granted")})
policy, seal_key = load.region_policy(settings, "eu"), region_key(settings.warehouse, "eu", "seal")
with region_file(settings, "eu") as con, load.staging(settings, "eu") as folder:
    for landed in discover(settings, "eu"):
        begun = time.perf_counter()
        parsed = load.parse([landed], settings=settings, policy=policy, seal_key=seal_key, folder=folder)
        commit(con, parsed, policy.now)
        print(time.perf_counter() - begun)
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "only", nargs="*", choices=[[], *PARTS], metavar="PART", help=f"of {', '.join(PARTS)}; default: all"
    )
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary one. Made data is used again.")
    parser.add_argument("--rounds", type=int, default=3, help="of floor and load in turn (default 3)")
    parser.add_argument(
        "--millions",
        type=int,
        nargs="+",
        default=[1, 3, 10],
        help="of the scale (default 1 3 10; 1 10 30 for the whole aim)",
    )
    parser.add_argument("--dlt-python", default=sys.executable, help="a Python that has dlt[duckdb,filesystem]")


def main(arguments: Namespace, folder: Path) -> None:
    shop = folder / "shop"
    if not shop.exists():
        sample_shop.write_landing(shop, until=UNTIL, days=30, events=1_000_000, regions=("eu",), dirt=0)
    for name in arguments.only or PARTS:
        print(f"== ingest {name}: {PARTS[name].__doc__}", flush=True)
        PARTS[name](arguments, folder, shop)


def floor(arguments: Namespace, folder: Path, shop: Path) -> None:
    """1,000,000 events read, validated, masked, deduplicated, booked and committed, against the floor."""
    _compare(
        "load", arguments.rounds, lambda: _load(shop, folder), lambda: _floor(shop, folder), "floor", "at most 2.5"
    )


def dirty(arguments: Namespace, folder: Path, shop: Path) -> None:
    """The same with each tenth line cut short, against the load of clean ones."""
    spoilt = _copied(shop, folder / "dirty", _spoilt)
    _compare(
        "dirty", arguments.rounds, lambda: _load(spoilt, folder), lambda: _load(shop, folder), "clean", "at most 1.5"
    )


def dlt(arguments: Namespace, folder: Path, shop: Path) -> None:
    """dlt (filesystem | read_jsonl into DuckDB, nothing masked or validated) on a tenth of the files, and the floor."""
    if run("import dlt, duckdb", python=arguments.dlt_python, check=False) is None:
        return print("skipped: dlt[duckdb,filesystem] is not there; name a Python that has it with --dlt-python")
    part = folder / "tenth"
    if not part.exists():
        for path in sorted((shop / "eu" / "events").rglob("*.json.gz"))[::10]:
            target = part / path.relative_to(shop)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)

    def load() -> Cost:
        work = _emptied(folder / "dlt")
        return run(_DLT, part.as_uri(), str(work), python=arguments.dlt_python)  # type: ignore[return-value]

    _compare("dlt", 1, load, lambda: _floor(part, folder), "floor", "")
    _compare("load", 1, lambda: _load(part, folder), lambda: _floor(part, folder), "floor", "")
    return None


def scale(arguments: Namespace, folder: Path, shop: Path) -> None:
    """Seconds for each million and peak memory as the load grows; the warehouse of the last stays for `latency`."""
    first: Cost | None = None
    for millions in arguments.millions:
        landing = folder / "scale"
        for number in range(millions):
            _copied(shop, landing, lambda line, number=number: _renamed(line, number), number)
        cost = _load(landing, folder, f"warehouse-{millions}")
        each = Cost(cost.seconds / millions, cost.cpu / millions, cost.peak_mib)
        first = first or each
        print(
            f"{millions:3} million: {each.seconds:.1f} s ({each.cpu:.1f} s of CPU) a million,"
            f" {each.seconds / first.seconds:.2f} ({each.cpu / first.cpu:.2f}) times the first (aim: at most 1.2);"
            f" peak {cost.peak_mib:,} MiB, {cost.peak_mib / first.peak_mib:.2f} times (aim: at most 1.5 and 4,096 MiB)",
            flush=True,
        )


def latency(arguments: Namespace, folder: Path, shop: Path) -> None:
    """An archive of 1,000 records into the largest warehouse of `scale`, opened to committed, in a warm worker."""
    found = sorted(folder.glob("warehouse-*/regions/eu.duckdb"), key=lambda path: path.stat().st_size)
    if not found:
        return print("skipped: `scale` makes the warehouse, and only in a --folder is it still there")
    landing = _emptied(folder / "single")
    source = _lines(sorted((shop / "eu" / "events").rglob("web+*.json.gz")))
    topic = landing / "eu" / "events" / "topics" / "single" / "partition=0"
    topic.mkdir(parents=True)
    begun = int(time.time())  # a second run brings other records
    for number in range(LATENCY_ARCHIVES):
        with gzip.open(topic / f"single+0+{number * 1000:010}.json.gz", "wb", 6) as file:
            file.writelines(_renamed(next(source), -begun) for _ in range(1000))
    warehouse = found[-1].parents[1]
    cost = run(_LATENCY, str(landing), str(warehouse))
    assert cost
    times = sorted(float(line) * 1000 for line in cost.said.split())
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99) - 1]
    print(
        f"into {warehouse.name}: p50 {p50:.0f} ms, p99 {p99:.0f} ms over {len(times)} archives (aim: p99 under 200 ms)"
    )
    return None


PARTS: dict[str, Callable[[Namespace, Path, Path], None]] = {
    "floor": floor, "dirty": dirty, "dlt": dlt, "scale": scale, "latency": latency,
}  # fmt: skip


def _compare(name: str, rounds: int, measured: Callable[[], Cost], unit: Callable[[], Cost], of: str, aim: str) -> None:
    pairs = [(unit(), measured()) for _ in range(rounds)]
    walls, cpus = ([getattr(one, part) / getattr(base, part) for base, one in pairs] for part in ("seconds", "cpu"))
    print(
        f"{name}: {min(one.seconds for _, one in pairs):.1f} s, {of}: {min(base.seconds for base, _ in pairs):.1f} s;"
        f" ratio min {min(walls):.2f}, median {statistics.median(walls):.2f};"
        f" of CPU time min {min(cpus):.2f}, median {statistics.median(cpus):.2f}{aim and f' (aim: {aim})'}",
        flush=True,
    )


def _floor(landing: Path, folder: Path) -> Cost:
    return run(_FLOOR, str(landing), str(folder))  # type: ignore[return-value]


def _load(landing: Path, folder: Path, name: str = "warehouse") -> Cost:
    return run(_LOAD, str(landing), str(_emptied(folder / name)))  # type: ignore[return-value]


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _lines(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with gzip.open(path) as file:
            yield from file


def _copied(shop: Path, target: Path, change: Callable[[bytes], bytes], number: int = 0) -> Path:
    """The shop's archives with each line changed, under offsets that are `number` times a thousand million further."""
    mark = target / f".{number}.done"
    for path in [] if mark.exists() else sorted((shop / "eu" / "events").rglob("*.json.gz")):
        stem, partition, start = path.name.removesuffix(".json.gz").rsplit("+", 2)
        copy = target / path.parent.relative_to(shop) / f"{stem}+{partition}+{int(start) + number * 10**9:010}.json.gz"
        copy.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path) as lines, gzip.open(copy, "wb", 1) as file:
            file.writelines(map(change, lines))
    mark.touch()
    return target


def _renamed(line: bytes, number: int) -> bytes:
    """Other records of other visitors."""
    for name in (b'"messageId":"', b'"anonymousId":"', b'"userId":"', b'"order_id":"'):
        line = line.replace(name, b"%b%d-" % (name, number), 1)
    return line


def _spoilt(line: bytes) -> bytes:
    return line if zlib.crc32(line) % 10 else line[: len(line) // 2] + b"\n"
