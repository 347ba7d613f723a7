"""The sensor's look at a landing zone of many archives, beside listing them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.process import Cost, run

_SETTINGS = """
from settings import Region, Settings
settings = Settings(landing=argv[0], warehouse=argv[1], regions={"eu": Region(consent_default="granted")})
"""
_LIST = """
import os
waiting = [argv[0]]
while waiting:
    with os.scandir(waiting.pop()) as found:
        for entry in found:
            waiting.append(entry.path) if entry.is_dir() else entry.stat()
"""
_LOOK = (
    _SETTINGS
    + """
from operations.recovery.look import look
look(settings, "eu", argv[2] or None)
"""
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--archives", type=int, default=100_000, help="that the sensor lists")


def main(arguments: Namespace, folder: Path) -> None:
    """CPU of one evaluation of the sensor with so many archives listed, against listing them with their stamps."""
    landing, warehouse = folder / "landing", folder / "warehouse"
    for n in range(arguments.archives):
        place = landing / f"eu/events/topics/web/partition=0/day={n // 4000:02d}/hour={n // 200 % 20:02d}"
        if n % 200 == 0:
            place.mkdir(parents=True, exist_ok=True)
        (place / f"web+0+{n:010d}.json.gz").write_bytes(b"x")
    (warehouse / "status").mkdir(parents=True)
    listing = min(_cost(_LIST, landing).cpu for _ in range(3))
    cursor = _cost(_LOOK + "print(look(settings, 'eu', None).cursor)", landing, warehouse, "").said.split("\n")[0]
    for what, known in (("all wait and none was seen before", ""), ("all wait, as a minute ago", cursor)):
        spent = min(_cost(_LOOK, landing, warehouse, known).cpu for _ in range(3))
        print(f"{what}: {spent:.2f} s CPU = {spent / listing:.1f} x listing alone")
    _fill_seen(landing, warehouse)
    spent = min(_cost(_LOOK, landing, warehouse, "").cpu for _ in range(3))
    print(f"all are in the books: {spent:.2f} s CPU = {spent / listing:.1f} x listing alone (aim: under 1 s)")


def _fill_seen(landing: Path, warehouse: Path) -> None:
    import polars as pl

    rows = [(str(path.relative_to(landing / "eu")), path.stat()) for path in archives(landing)]
    pl.DataFrame({
        "name": [name for name, _ in rows], "size_bytes": [stat.st_size for _, stat in rows],
        "mtime_ns": [stat.st_mtime_ns for _, stat in rows], "sha256": "0" * 64, "state": "loaded", "records": 1,
    }).write_parquet(warehouse / "status" / "eu.seen", compression="lz4")  # fmt: skip


def archives(landing: Path) -> list[Path]:
    return sorted((path for path in (landing / "eu" / "events").rglob("*+*+*")), key=lambda path: str(path.parent))


def _cost(code: str, *arguments: Path | str) -> Cost:
    cost = run(code, *map(str, arguments))
    assert cost is not None
    return cost
