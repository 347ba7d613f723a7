"""From an archive's bytes to records: what is one record, and what cannot be read whole."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.archives import Reader, read_converted
from ingestion.compression import CorruptArchiveError
from ingestion.reading import DEFAULTS
from ingestion.records import MAX_RECORD_BYTES
from ingestion.sources.snowplow import COLUMNS
from tests.ingestion.strategies import NOW, page

LINE = json.dumps(page()).encode()
GOOD = gzip.compress(b"".join(json.dumps(page(messageId=f"m-{n}")).encode() + b"\n" for n in range(50)))


@pytest.fixture(scope="module")
def reader():
    with Reader(NOW) as reader:
        yield reader


def put(folder, content: bytes, name="web+0+0.json"):
    path = folder / name
    path.write_bytes(content)
    return path


def outcome(batches):
    rows, dead = [], {}
    for batch in batches:
        rows += batch.rows["record_offset"].to_list()
        dead |= {one.record_offset: one.reason for one in batch.dead}
    return sorted(rows), dead


def padded(size: int) -> bytes:
    """A clean record of exactly so many bytes."""
    return LINE[:-1] + b', "pad": "' + b"x" * (size - len(LINE) - 11) + b'"}'


@pytest.mark.parametrize("content", [b"", b"\n", b"\n \t\r\n\x0c\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_blank_lines_are_no_records(reader, tmp_path, content):
    assert outcome(reader.read_one(put(tmp_path, content))) == ([], {})


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b" \r\n\t\n"])
@pytest.mark.parametrize("last", [b"", b"\n"])
def test_offsets_count_records_and_not_lines(reader, tmp_path, end, last):
    assert outcome(reader.read_one(put(tmp_path, end + end.join([LINE] * 3) + last))) == ([0, 1, 2], {})


def test_a_byte_order_mark_before_the_first_record_does_no_harm(reader, tmp_path):
    assert outcome(reader.read_one(put(tmp_path, b"\xef\xbb\xbf" + LINE + b"\n" + LINE))) == ([0, 1], {})


def test_a_byte_order_mark_anywhere_else_is_no_json(reader, tmp_path):
    path = put(tmp_path, LINE + b"\n\xef\xbb\xbf" + LINE)
    assert outcome(reader.read_one(path)) == ([0], {1: "malformed_json"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE + b"x", "malformed_json"), (LINE + LINE, "malformed_json"), (LINE[:-5], "malformed_json"),
        (LINE + b"\x00", "malformed_json"),
        (LINE.replace(b"shop", b"sh\xffop"), "invalid_encoding"), (LINE.replace(b"shop", b"sh\xed\xa0\x80op"),
        "invalid_encoding"),
        (b"\xff\xfe{\x00}\x00", "invalid_encoding"), (b"{\xff", "invalid_encoding"), (b"[1]", "invalid_type"), (b"5",
        "invalid_type"),
        (padded(MAX_RECORD_BYTES + 1), "oversized_record"), (b"\xff" * (MAX_RECORD_BYTES + 1), "oversized_record"),
        (padded(4 * MAX_RECORD_BYTES), "oversized_record"), (LINE.replace(b'"/p"', b"NaN"), "malformed_json"), (b"{}",
        "missing_field"),
    ],
    ids=lambda value: value[:30] if isinstance(value, bytes) else value,
)  # fmt: skip
def test_a_bad_line_is_a_dead_letter_and_its_neighbours_are_not(reader, tmp_path, line, reason):
    path = put(tmp_path, b"\n".join([LINE, line, LINE]))
    assert outcome(reader.read_one(path)) == ([0, 2], {1: reason})


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_record_of_a_mebibyte_is_none_too_large(reader, tmp_path, end):
    path = put(tmp_path, padded(MAX_RECORD_BYTES) + end)
    assert outcome(reader.read_one(path)) == ([0], {})
    path = put(tmp_path, padded(MAX_RECORD_BYTES + 1) + end)
    assert outcome(reader.read_one(path)) == ([], {0: "oversized_record"})


def test_of_an_oversized_record_nothing_is_kept(reader, tmp_path):
    path = put(tmp_path, padded(MAX_RECORD_BYTES + 1))
    assert [dead.payload for batch in reader.read_one(path) for dead in batch.dead] == [b""]


def test_a_blank_line_of_any_length_is_no_record(reader, tmp_path):
    path = put(tmp_path, LINE + b"\n" + b" " * (3 * MAX_RECORD_BYTES) + b"\n" + LINE)
    assert outcome(reader.read_one(path)) == ([0, 1], {})


def test_a_line_of_100_megabytes_is_read_in_bounded_memory(tmp_path):
    path = put(tmp_path, gzip.compress(LINE + b"\n" + b"x" * 100_000_000 + b"\n" + LINE, 1), "web+0+0.json.gz")
    script = f"""
import resource, sys
from datetime import datetime
from pathlib import Path
from ingestion.archives import Reader
path, reader = Path({str(path)!r}), Reader(datetime(2026, 3, 10))
list(reader.read_one(path.parent / 'small.json'))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
batches = list(reader.read_one(path))
print(sum(b.rows.height for b in batches), [d.reason for b in batches for d in b.dead])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    put(tmp_path, LINE, "small.json")
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    found, kibibytes = said.stdout.splitlines()
    assert found == "2 ['oversized_record']"
    assert int(kibibytes) < 50_000


@pytest.mark.parametrize(
    "content",
    [b"", GOOD[:7], GOOD[:10], GOOD[:100], GOOD[:-1], GOOD[:-8], GOOD[:-8] + b"\0\0\0\0" + GOOD[-4:],
    GOOD[:-4] + b"\0\0\0\0", GOOD + GOOD[:30],
     GOOD + b"garbage, not gzip", LINE, GOOD[:60] + b"\x55\xaa" * 8 + GOOD[76:]],
    ids=["empty", "in the header", "no data", "cut", "one byte short", "no trailer", "wrong CRC", "wrong length",
        "second member cut", "garbage",
         "no gzip", "changed bytes"],
)  # fmt: skip
def test_a_gzip_that_is_not_whole_is_corrupt_and_says_so_without_a_value(reader, tmp_path, content):
    path = put(tmp_path, content, "web+0+0.json.gz")
    with pytest.raises(CorruptArchiveError, match="cannot be read whole: gzip") as caught:
        list(reader.read_one(path))
    assert "shop" not in str(caught.value)


def test_members_of_a_gzip_follow_each_other(reader, tmp_path):
    path = put(tmp_path, GOOD + GOOD + gzip.compress(b""), "web+0+0.JSON.GZ")
    assert outcome(reader.read_one(path)) == (list(range(100)), {})


@pytest.mark.parametrize(
    "name", ["it's.json", 'a"b.json', "a\nb.json", "a*b?[c].json", "a b.json", "{a,b}.json", "$path.json", "%41.json"]
)
def test_an_odd_name_is_a_name(reader, tmp_path, name):
    put(tmp_path, LINE, "axb?[c].json"), put(tmp_path, LINE, "aXbYc.json")
    folder = tmp_path / "odd [x] 'q'" / "partition=0"
    folder.mkdir(parents=True)
    assert outcome(reader.read_one(put(folder, LINE, name))) == ([0], {})


def test_a_large_archive_comes_in_batches_whose_offsets_go_on(reader, tmp_path, monkeypatch):
    monkeypatch.setattr("ingestion.lines.BLOCK_BYTES", 2048)
    monkeypatch.setattr("ingestion.archives.BLOCK_BYTES", 2048)
    path = put(tmp_path, b"\n".join([LINE] * 20 + [b"{"] + [LINE] * 20))
    batches = list(reader.read_one(path))
    assert len(batches) > 4
    assert outcome(batches) == ([n for n in range(41) if n != 20], {20: "malformed_json"})


def tsv(**values: str) -> bytes:
    return "\t".join(values.get(name, "") for name in COLUMNS).encode()


def test_empty_columns_at_either_end_of_a_tab_separated_line_are_columns(tmp_path):
    line = tsv(event_id="e-1", event_name="page_view", domain_userid="a", collector_tstamp="2026-03-01 10:00:00.123")
    path = put(tmp_path, b"\r\n".join([line, b"", b"\t\t", line, b"no tsv"]), "web+0+0.tsv")
    assert outcome(read_converted(path, "snowplow", NOW, DEFAULTS)) == (
        [0, 1],
        {2: "malformed_json"},
    )
