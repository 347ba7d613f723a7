"""Between full listings of a bucket, what is new is found by a few requests, and nothing else than by a full one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.listing import list_folder
from tests.ingestion.bucket import Bucket
from tests.kit.examples import examples

START = datetime(2026, 3, 28, 20, tzinfo=UTC)


def by_hour(at: datetime, topic: str, partition: int, offset: int) -> str:
    return (
        f"topics/{topic}/partition={partition}/year={at:%Y}/month={at:%m}/day={at:%d}/hour={at:%H}/"
        f"{topic}+{partition}+{offset:010}.json.gz"
    )


def flat(at: datetime, topic: str, partition: int, offset: int) -> str:
    return f"topics/{topic}/partition={partition}/{topic}+{partition}+{offset:010}.json.gz"


def unpadded(at: datetime, topic: str, partition: int, offset: int) -> str:
    return f"{topic}+{partition}+{offset}.json"


def of_source(at: datetime, topic: str, partition: int, offset: int) -> str:
    return f"segment-logs/{topic}/{int(at.timestamp()) // 86_400 * 86_400_000}/{(offset * 7919) % 10_007}.json.gz"


LAYOUTS = [by_hour, flat, unpadded, of_source]


def listed(bucket: Bucket, book: Path | None) -> list[tuple[str, int, int]]:
    return sorted((one.place, one.size, one.mtime_ns) for one in list_folder(bucket.prefix, book))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    def set_to(at: datetime) -> None:
        monkeypatch.setenv("ROMI_NOW", at.isoformat())

    set_to(START)
    return set_to


@settings(max_examples=examples(40, fast=10), deadline=None)
@given(
    layout=st.sampled_from(LAYOUTS),
    landings=st.lists(
        st.tuples(
            st.integers(0, 30),  # hours that pass
            st.lists(st.tuples(st.sampled_from(["web", "app.orders"]), st.integers(0, 2)), max_size=6),
        ),
        max_size=8,
    ),
    many=st.booleans(),
)
def test_what_lands_in_any_layout_is_listed_as_by_a_full_listing(layout, landings, many, tmp_path_factory):
    book, bucket, at, offset = tmp_path_factory.mktemp("kept") / "book", Bucket(), START, 0
    with pytest.MonkeyPatch.context() as patch:
        if many:  # more archives of one partition than a request lists
            bucket.put(at, *(layout(at, "web", 0, offset := offset + 1) for _ in range(1_200)))
        for hours, archives in landings:
            at += timedelta(hours=hours)
            bucket.put(at, *(layout(at, topic, partition, offset := offset + 1) for topic, partition in archives))
            patch.setenv("ROMI_NOW", at.isoformat())
            assert listed(bucket, book) == listed(bucket, None)


@pytest.mark.parametrize(("layout", "most"), [(by_hour, 20), (flat, 8)])
def test_ten_new_archives_beside_many_take_a_few_requests(clock, tmp_path, layout, most):
    bucket = Bucket()
    days = [START - timedelta(hours=n) for n in reversed(range(24 * 200))]
    for offset, at in enumerate(days):
        bucket.objects |= {layout(at, "web", partition, offset): (1, at) for partition in range(2)}
    bucket.put(START)
    assert listed(bucket, tmp_path / "book") == listed(bucket, None)
    bucket.put(START, *(layout(START, "web", 0, 10_000 + n) for n in range(10)))
    whole = listed(bucket, None)
    bucket.requests = 0
    assert listed(bucket, tmp_path / "book") == whole
    assert bucket.requests <= most


def test_a_topic_that_was_silent_for_days_is_seen_again_at_once(clock, tmp_path):
    bucket = Bucket()
    for day in range(9):
        at = START + timedelta(days=day)
        bucket.put(at, by_hour(at, "web", 0, day), *([by_hour(at, "orders", 0, day)] if day in (0, 8) else []))
        if day == 7:
            clock(at)
            listed(bucket, tmp_path / "book")
    assert listed(bucket, tmp_path / "book") == listed(bucket, None)


@pytest.mark.parametrize("change", ["late", "replaced", "gone"])
def test_what_changes_in_a_settled_place_is_seen_within_a_day(clock, tmp_path, change):
    bucket, old = Bucket(), START - timedelta(days=9)
    bucket.put(old, by_hour(old, "web", 0, 1), *(by_hour(old, "web", 0, 10 + n) for n in range(1_200)))
    bucket.put(START, by_hour(START, "web", 0, 9_000))
    listed(bucket, tmp_path / "book")
    if change == "gone":
        bucket.delete(by_hour(old, "web", 0, 1))
    else:
        bucket.put(START, by_hour(old, "web", 0, 1 if change == "replaced" else 2), size=5)
    assert listed(bucket, tmp_path / "book") != listed(bucket, None)
    clock(START + timedelta(days=1))
    assert listed(bucket, tmp_path / "book") == listed(bucket, None)


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_a_kept_listing_that_is_damaged_is_made_anew(clock, tmp_path, content):
    bucket = Bucket()
    bucket.put(START, flat(START, "web", 0, 1))
    listed(bucket, tmp_path / "book")
    (tmp_path / "book").write_bytes(content)
    assert listed(bucket, tmp_path / "book") == listed(bucket, None)


def test_a_clock_that_was_set_back_lists_all(clock, tmp_path):
    bucket = Bucket()
    bucket.put(START, flat(START, "web", 0, 5))
    listed(bucket, tmp_path / "book")
    bucket.put(START, flat(START, "web", 0, 1))
    clock(START - timedelta(hours=1))
    assert listed(bucket, tmp_path / "book") == listed(bucket, None)


def test_folders_that_are_passed_over_are_not_asked_for(tmp_path):
    bucket = Bucket()
    bucket.put(START, "events/a+0+1.json", "ledger/x.csv", "notes/deep/er.txt", "top.txt")
    found = list_folder(bucket.prefix, without=("events", "ledger"))
    assert [one.place for one in found] == ["top.txt", "notes/deep/er.txt"]
    assert bucket.requests == 2
