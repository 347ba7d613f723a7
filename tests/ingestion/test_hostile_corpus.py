"""A thousand hostile inputs at once: no crash, no loss, a reason for each, and memory within bounds."""

import gzip
import io
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from ingestion.records import REASONS
from tests.ingestion.hostile import GOOD, inputs

ROOT = Path(__file__).parents[2]
GIBIBYTE = 1 << 30


def test_of_a_thousand_hostile_inputs_each_record_has_a_fate_and_each_file_a_place_in_the_books(zone):
    corpus = dict(inputs())
    assert len(corpus) >= 1000
    for name, content in corpus.items():
        zone.put(f"eu/{name}", content)
    (zone.landing / "eu/events/topics/web/partition=0/web+0+999999.json").mkdir()
    (zone.landing / "eu/ledger/folder.csv").mkdir()
    zone.load()
    booked = zone.query("select name, state, problem from ops.archives")
    assert {name for name, *_ in booked} == set(corpus)
    assert all((state == "corrupt") == bool(problem) for _, state, problem in booked)
    assert {state for _, state, _ in booked} == {"loaded", "corrupt"}
    assert (
        zone.query("""
        select name, any_value(archives.records), sum(fates.records) from ops.archives left join ops.fates
        using (archive_id) group by name having any_value(archives.records) <> coalesce(sum(fates.records), 0)""")
        == []
    )
    assert set(zone.fates()["dead_letter"]) <= set(REASONS)
    assert zone.query("select count(*) from ops.dead_letters where reason is null") == [(0,)]
    assert zone.load().archives == 0


def packed_zeros(size: int) -> bytes:
    """A gzip of so many zeros, without ever having them in memory."""
    packer, block = zlib.compressobj(9, wbits=31), bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def repeated_text() -> bytes:
    """A small Parquet whose dictionary holds one long text that many rows repeat."""
    written, text = io.BytesIO(), pa.array([GOOD.decode()[:-1] + f', "pad": "{"x" * 900_000}"}}'])
    pq.write_table(pa.table({"value": pa.DictionaryArray.from_arrays(pa.array([0] * 600, pa.int8()), text)}), written)
    return written.getvalue()


BOMBS = {
    "zeros.gz": lambda: ("json.gz", packed_zeros(GIBIBYTE)),
    "line.json": lambda: ("json", GOOD + b"\n" + b"x" * 100_000_000 + b"\n" + GOOD),
    "blanks.gz": lambda: ("json.gz", gzip.compress(b"\n" * 50_000_000, 1)),
    "deep.json": lambda: ("json", b"\n".join([b"[" * 10_000] * 200)),
    "repeated.parquet": lambda: ("parquet", repeated_text()),
}
FATES = {
    "zeros.gz": {"dead_letter": {"oversized_record": 1}, "read": 1},
    "line.json": {"dead_letter": {"oversized_record": 1}, "read": 3, "loaded": 1, "duplicate": 1},
    "blanks.gz": {},
    "deep.json": {"dead_letter": {"malformed_json": 200}, "read": 200},
    "repeated.parquet": {"read": 600, "loaded": 1, "duplicate": 599},
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
@pytest.mark.parametrize("bomb", ["line.json", "deep.json", pytest.param("zeros.gz", marks=pytest.mark.slow),
                                  pytest.param("blanks.gz", marks=pytest.mark.slow),
                                  pytest.param("repeated.parquet", marks=pytest.mark.slow)])  # fmt: skip
def test_what_unpacks_to_far_more_than_it_is_stays_within_a_gibibyte_and_a_half(zone, bomb):
    suffix, content = BOMBS[bomb]()
    zone.put(f"eu/events/topics/web/partition=0/web+0+0.{suffix}", content)
    script = f"""
from pathlib import Path
from ingestion.load import load_region
from settings import Settings
load_region(Settings(landing={str(zone.landing)!r}, warehouse=Path({str(zone.warehouse)!r})), "eu")
# What getrusage tells would begin with the memory of the process that started this one.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert zone.fates() == FATES[bomb]
    assert int(said.stdout) < 1_500_000, json.dumps({bomb: said.stdout})
