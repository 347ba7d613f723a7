"""The set-based reader is a shortcut of the exact one: it says the same of every line."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion import lines as line_blocks
from ingestion.archives import Reader
from ingestion.records import MAX_RECORD_BYTES, PLAIN, DeadLetter, decode_record, read_record
from tests.ingestion.strategies import NOW, lines, page
from tests.kit.examples import examples

SETTINGS = settings(max_examples=examples(150, fast=25), deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def reader():
    with Reader(NOW) as reader:
        yield reader


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("archives")


def put(folder, archive: list[bytes], end: bytes = b"\n", name: str = "web+0+0.json.gz"):
    path = folder / name
    path.write_bytes(gzip.compress(end.join(archive), 1))
    return path


def said(batches):
    """(rows, dead letters) of all batches, dead letters without their payload."""
    batches = list(batches)
    rows = [row for batch in batches for row in batch.rows.iter_rows(named=True)]
    dead = sorted((dead.record_offset, dead.reason, dead.occurred_at) for batch in batches for dead in batch.dead)
    return rows, dead


def one_by_one(archive: list[bytes]):
    rows, dead = [], []
    for offset, line in enumerate(line for line in archive if line.strip()):
        try:
            if len(line.strip()) > MAX_RECORD_BYTES:
                raise DeadLetter("oversized_record")
            try:
                text = line.strip().decode()
            except UnicodeDecodeError:
                raise DeadLetter("invalid_encoding") from None
            rows.append(
                dict.fromkeys(PLAIN.names()) | read_record(decode_record(text), NOW) | {"record_offset": offset}
            )
        except DeadLetter as error:
            dead.append((offset, error.reason, error.occurred_at))
    return rows, dead


def is_json(reader, line: bytes) -> bool:
    try:
        text = line.strip().decode()
    except UnicodeDecodeError:
        return False
    return bool(reader.con.execute("select json_valid(?)", [text]).fetchone()[0])


def without_mark(archive: list[bytes]) -> list[bytes]:
    return [line.removeprefix(b"\xef\xbb\xbf") if n == 0 else line for n, line in enumerate(archive)]


def numbered(*ids: int) -> list[bytes]:
    return [json.dumps(page(context=page()["context"] | {"campaign": {"id": one}})).encode() for one in ids]


@SETTINGS
@given(st.lists(lines(), max_size=8), st.sampled_from([b"\n", b"\r\n"]), st.sampled_from([7, 300, 8 << 20]))
@example(numbered(0, -7, 5, 10**17, 10**18 - 1, 10**18, 2**64 - 1, 10**40 + 1), b"\n", 8 << 20)
def test_an_archive_is_read_as_its_lines_one_by_one(reader, folder, archive, end, block_bytes):
    path = put(folder, archive, end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_blocks, "BLOCK_BYTES", block_bytes)
        assert said(reader.read_one(path)) == one_by_one(without_mark(archive))


def without_page(kind: str, **properties) -> bytes:
    return json.dumps(page(type=kind, context={}, properties=properties)).encode()


@SETTINGS
@given(st.lists(lines(), max_size=8))
@example([without_page(kind, url="https://shop.example/?gclid=1") for kind in ("page", "Screen", "track", "identify")])
@example([without_page("page", url=url) for url in (None, "", 5, ["x"], {})] + [without_page("page")])
@example([json.dumps(page(type=kind)).encode() for kind in ("Page", " page", "page\t", "TRAC\u212a", "TRACK")])
@example(
    [
        json.dumps(page()).encode(),
        b'{"messageId":"m","timestamp":"2026-03-10T12:00:00+05:00","type":"page","userId":"u"}',
    ]
)
def test_of_lines_that_are_json_the_query_says_what_the_exact_reader_says(reader, folder, archive):
    archive = [
        line
        for n, line in enumerate(archive)
        if not line.strip() or is_json(reader, without_mark([line])[0] if n == 0 else line)
    ]
    path = put(folder, archive)
    assert said(reader.read_one(path)) == one_by_one(without_mark(archive))


@SETTINGS
@given(st.lists(st.lists(lines(), max_size=4), min_size=2, max_size=4))
def test_archives_that_are_read_together_are_read_as_each_by_itself(reader, folder, several):
    paths = [put(folder, archive, name=f"web+0+{n}.json.gz") for n, archive in enumerate(several)]
    batches = {path: [] for path in paths}
    for path, batch in reader.read(paths):
        batches[path].append(batch)
    for path, archive in zip(paths, several, strict=True):
        assert said(batches[path]) == one_by_one(without_mark(archive))
