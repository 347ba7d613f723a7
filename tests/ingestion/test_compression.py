"""Archives under Zstandard: read like those under gzip, and corrupt where one byte of them is not right."""

import json

import pyarrow as pa
import pytest

from ingestion.archives import Reader
from ingestion.compression import CorruptArchiveError
from tests.ingestion.strategies import NOW, page

LINES = b"".join(json.dumps(page(messageId=f"m-{n}")).encode() + b"\n" for n in range(50))
GOOD = pa.compress(LINES, "zstd", asbytes=True)
# {"a":"shop"} in one raw block, followed by the low half of its XXH64, as the zstd program writes it.
CHECKED = b'(\xb5/\xfd$\x0ca\x00\x00{"a":"shop"}\xd1\xbd\x05\xe0'
SKIPPABLE = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"


@pytest.fixture(scope="module")
def reader():
    with Reader(NOW) as reader:
        yield reader


def put(folder, content: bytes, name="web+0+0.json.zst"):
    (folder / name).write_bytes(content)
    return folder / name


def offsets(batches):
    return [offset for batch in batches for offset in batch.rows["record_offset"]]


@pytest.mark.parametrize("content", [GOOD + GOOD, SKIPPABLE + GOOD + GOOD, GOOD + SKIPPABLE + GOOD])
def test_frames_follow_each_other(reader, tmp_path, content):
    assert offsets(reader.read_one(put(tmp_path, content))) == list(range(100))


@pytest.mark.parametrize(
    "content",
    [b"", GOOD[:3], GOOD[:10], GOOD[:-1], GOOD + GOOD[:9], GOOD + b"garbage", LINES, CHECKED.replace(b"shop", b"shoP")],
    ids=[
        "empty",
        "in the header",
        "no data",
        "one byte short",
        "second frame cut",
        "garbage",
        "no zstd",
        "a byte changed under a checksum",
    ],
)
def test_a_file_that_is_not_whole_is_corrupt(reader, tmp_path, content):
    with pytest.raises(CorruptArchiveError, match="cannot be read whole: zstd"):
        list(reader.read_one(put(tmp_path, content)))


def test_a_byte_order_mark_and_a_bad_line_are_no_matter_of_the_compression(reader, tmp_path):
    path = put(tmp_path, pa.compress(b"\xef\xbb\xbf" + LINES + b"\xff\n", "zstd", asbytes=True))
    batches = list(reader.read_one(path))
    assert offsets(batches) == list(range(50))
    assert [(dead.record_offset, dead.reason) for batch in batches for dead in batch.dead] == [(50, "invalid_encoding")]


def test_the_same_records_give_the_same_facts_plain_or_compressed(zone):
    for topic, suffix in (("a", "json"), ("b", "json.gz"), ("c", "json.zst")):
        zone.archive(*(page(messageId=f"{topic}-{n}") for n in range(3)), "{", topic=topic, suffix=suffix)
    zone.load()
    assert zone.fates() == {"read": 12, "loaded": 9, "dead_letter": {"malformed_json": 3}}
    by_topic = """
        select topic, list((record_offset, type, occurred_at, page_host) order by record_offset)
        from raw.events join ops.archives using (archive_id) group by topic"""
    assert len({str(facts) for _, facts in zone.query(by_topic)}) == 1
