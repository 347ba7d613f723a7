"""The budget book: booked before drawn, drawn once, whatever is killed, comes twice or is restored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.budget import RELEASES, BudgetBook, BudgetError, Release
from settings import PermanentError
from tests.kit.examples import examples

ROOT = Path(__file__).resolve().parents[2]
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
ONE, QUARTER = Decimal("1.0"), Decimal("0.25")

# Draws March in a process of its own; what it is told on its way is a moment to be killed at.
PROCESS = """
import secrets, sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from privacy.budget import BudgetBook

def make(epsilon):
    print("drawing", flush=True)
    sys.stdin.readline()
    return {"figure": secrets.randbits(60)}

book = BudgetBook(Path(sys.argv[1]), "eu")
print("ready", flush=True)
draw = book.draw(date(2026, 3, 1), "first", Decimal("1.0"), Decimal("1.0"), "2026-04-05", make)
print(draw.result["figure"], flush=True)
"""


@pytest.fixture
def book(tmp_path: Path) -> BudgetBook:
    return BudgetBook(tmp_path / "eu" / "release.jsonl", "eu")


def start(book: BudgetBook) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", PROCESS, str(book.path)], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def take(book: BudgetBook, figure: int, month: date = MARCH, release: Release = "first", epsilon: Decimal = ONE,
         limit: Decimal = ONE + QUARTER, at: str = "2026-04-05") -> int:  # fmt: skip
    return book.draw(month, release, epsilon, limit, at, lambda _: {"figure": figure}).result["figure"]


def never(_: Decimal) -> dict[str, Any]:
    raise AssertionError("drawn")


def bookings(book: BudgetBook) -> int:
    return book.path.read_text().count('"line": "booking"')


def test_what_is_drawn_once_is_given_again_and_costs_nothing(book: BudgetBook) -> None:
    take(book, 1)
    bytes_before = book.path.read_bytes()
    assert book.draw(MARCH, "first", Decimal(9), Decimal(9), "2027-01-01", never).result == {"figure": 1}
    assert book.path.read_bytes() == bytes_before
    assert book.spent(MARCH) == 1
    assert book.spent(APRIL) == 0


@pytest.mark.parametrize("epsilon", ["1.01", "0", "-1"])
def test_what_exceeds_the_budget_is_refused_before_anything_is_drawn(book: BudgetBook, epsilon: str) -> None:
    with pytest.raises(BudgetError, match="2026-03 asks for epsilon"):
        book.draw(MARCH, "first", Decimal(epsilon), ONE, "2026-04-05", never)
    assert not book.path.exists()


def test_correction_takes_the_reserve_and_nothing_is_left(book: BudgetBook) -> None:
    take(book, 1)
    assert take(book, 2, release="correction", epsilon=QUARTER) == 2
    assert take(book, 3, release="correction", epsilon=QUARTER) == 2
    assert book.spent(MARCH) == Decimal("1.25")


def test_correction_that_exceeds_what_is_left_is_refused(book: BudgetBook) -> None:
    take(book, 1)
    with pytest.raises(BudgetError, match=r"1\.0 of 1\.1 is spent"):
        book.draw(MARCH, "correction", QUARTER, Decimal("1.1"), "2026-05-05", never)
    assert book.spent(MARCH) == 1


def test_booking_is_on_disk_before_the_draw_is_made(book: BudgetBook) -> None:
    def make(epsilon: Decimal) -> dict[str, Any]:
        assert BudgetBook(book.path, "eu").spent(MARCH) == epsilon == ONE
        return {}

    book.draw(MARCH, "first", ONE, ONE, "2026-04-05", make)


def test_draw_that_fails_is_made_again_under_its_booking(book: BudgetBook) -> None:
    def fail(_: Decimal) -> dict[str, Any]:
        raise OSError("disk gone")

    for _ in range(3):
        with pytest.raises(OSError, match="disk gone"):
            book.draw(MARCH, "first", ONE, ONE, "2026-04-05", fail)
    assert take(book, 5, limit=ONE) == 5
    assert (bookings(book), book.spent(MARCH)) == (1, 1)


def test_two_processes_at_once_make_one_draw(book: BudgetBook) -> None:
    first, second = start(book), start(book)
    spoken: list[str] = []

    def serve(process: subprocess.Popen) -> None:
        for line in process.stdout:
            spoken.append(line)
            if line == "drawing\n":
                process.stdin.write("\n")
                process.stdin.flush()

    threads = [threading.Thread(target=serve, args=[process]) for process in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert spoken.count("drawing\n") == 1
    figures = [line for line in spoken if line != "drawing\n"]
    assert figures[0] == figures[1]
    assert (bookings(book), book.spent(MARCH)) == (1, 1)


def test_process_killed_between_booking_and_storing_is_drawn_again_and_not_booked_twice(book: BudgetBook) -> None:
    for _ in range(2):
        process = start(book)
        assert process.stdout.readline() == "drawing\n"
        process.kill()
        process.wait()
        assert (bookings(book), book.draws()) == (1, {})
    process = start(book)
    assert process.stdout.readline() == "drawing\n"
    process.stdin.write("\n")
    process.stdin.close()
    said = process.stdout.read()
    assert process.wait(60) == 0
    assert said == f"{book.draws()[MARCH, 'first'].result['figure']}\n"
    assert (bookings(book), book.spent(MARCH)) == (1, 1)


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("call", [1, 2])
def test_book_that_cannot_be_written_stays_as_it_was(
    book: BudgetBook, monkeypatch: pytest.MonkeyPatch, moment: str, call: int
) -> None:
    take(book, 1, month=APRIL)
    before, calls = book.path.read_bytes(), iter(range(1, 100))
    real = getattr(os, moment)

    def fail(*arguments: Any) -> Any:
        if next(calls) == call:
            raise OSError("disk full")
        return real(*arguments)

    monkeypatch.setattr(f"settings.durable.os.{moment}", fail)
    with pytest.raises(OSError, match="disk full"):
        take(book, 2)
    monkeypatch.undo()
    assert book.path.read_bytes().startswith(before)
    assert book.draws()[APRIL, "first"].result == {"figure": 1}
    assert take(book, 3) == 3
    assert (bookings(book), book.spent(MARCH)) == (2, 1)


@pytest.mark.parametrize(
    "damage", ["", "{", '{"line": "draw", "booking": "b", "at": "", "result": {}}', "[]", '{"line": "draw"}', "\udcff"]
)
def test_damaged_book_is_refused_and_nothing_is_drawn(book: BudgetBook, damage: str) -> None:
    take(book, 1)
    with book.path.open("ab") as file:
        file.write(damage.encode("utf-8", "surrogateescape") + b"\n")
    before = book.path.read_bytes()
    with pytest.raises(PermanentError, match="cannot be read: restore it first"):
        book.draw(APRIL, "first", ONE, ONE, "2026-05-05", never)
    assert book.path.read_bytes() == before


def test_book_is_for_its_owner_alone(book: BudgetBook) -> None:
    take(book, 1)
    assert {path.stat().st_mode & 0o777 for path in [book.path, *book.path.parent.iterdir()]} == {0o600}
    assert book.path.parent.stat().st_mode & 0o777 == 0o700


def test_looking_makes_no_book(book: BudgetBook) -> None:
    assert (book.draws(), book.spent(MARCH)) == ({}, 0)
    assert not book.path.parent.exists()


# Restores


def copy_of(book: BudgetBook, name: str) -> BudgetBook:
    other = BudgetBook(book.path.with_name(name), book.region)
    other.path.parent.mkdir(exist_ok=True)
    other.path.write_bytes(book.path.read_bytes())
    return other


def test_restored_book_takes_over_what_it_lacks_and_loses_nothing(book: BudgetBook) -> None:
    take(book, 1)
    backup = copy_of(book, "backup")
    take(book, 2, month=APRIL)
    take(backup, 3, month=date(2026, 5, 1))
    assert book.merge(backup.path) == 2
    assert {month: draw.result["figure"] for (month, _), draw in book.draws().items()} == {
        MARCH: 1, APRIL: 2, date(2026, 5, 1): 3,
    }  # fmt: skip
    assert book.merge(backup.path) == 0
    assert [book.spent(month) for month in (MARCH, APRIL)] == [1, 1]


def test_merge_into_a_warehouse_without_a_book_brings_the_backup_whole(book: BudgetBook, tmp_path: Path) -> None:
    take(book, 1)
    fresh = BudgetBook(tmp_path / "new" / "release.jsonl", "eu")
    assert fresh.merge(book.path) == 2
    assert fresh.path.read_bytes() == book.path.read_bytes()
    assert fresh.draw(MARCH, "first", ONE, ONE, "2026-06-01", never).result == {"figure": 1}


def test_booking_drawn_in_two_lives_is_paid_twice_and_the_first_draw_stands(book: BudgetBook) -> None:
    with pytest.raises(AssertionError, match="drawn"):
        book.draw(MARCH, "first", ONE, ONE, "2026-04-05", never)
    backup = copy_of(book, "backup")
    take(book, 1, at="2026-04-06")
    take(backup, 2, at="2026-04-05")
    book.merge(backup.path)
    assert book.draws()[MARCH, "first"].result == {"figure": 2}
    assert (bookings(book), book.spent(MARCH)) == (1, 2)
    with pytest.raises(BudgetError):
        book.draw(MARCH, "correction", QUARTER, ONE + QUARTER, "2026-05-05", never)


def test_book_of_another_region_is_not_merged(book: BudgetBook, tmp_path: Path) -> None:
    other = BudgetBook(tmp_path / "us" / "release.jsonl", "us")
    take(other, 1)
    with pytest.raises(PermanentError, match="another region than eu"):
        book.merge(other.path)
    assert not book.path.exists()


steps = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(RELEASES), st.integers(1, 28), st.booleans()), max_size=6)


@settings(deadline=None, max_examples=examples(25, fast=6))
@given(shared=steps, ours=steps, theirs=steps)
def test_merging_is_a_union(tmp_path_factory: pytest.TempPathFactory, shared: list, ours: list, theirs: list) -> None:
    """Either way round and however often, two lives of a book come to the same draws; no cost is ever forgotten."""
    folder = tmp_path_factory.mktemp("books")
    a = live(BudgetBook(folder / "a" / "release.jsonl", "eu"), [(1, "first", 1, True), *shared])
    b = BudgetBook(folder / "b" / "release.jsonl", "eu")
    b.merge(a.path)
    live(a, ours)
    live(b, theirs)
    months = [date(2026, month, 1) for month in (1, 2, 3)]
    before = [max(a.spent(month), b.spent(month)) for month in months]
    alone = copy_of(a, "alone")
    a.merge(b.path)
    b.merge(alone.path)
    assert sorted(a.path.read_text().splitlines()) == sorted(b.path.read_text().splitlines())
    assert a.draws() == b.draws()
    assert all(a.spent(month) >= least for month, least in zip(months, before, strict=True))
    assert (a.merge(b.path), a.merge(alone.path)) == (0, 0)


def live(book: BudgetBook, happened: list) -> BudgetBook:
    """Draw, or be killed before the draw is stored."""
    for number, (month, release, day, is_stored) in enumerate(happened):
        make = (lambda _, figure=number: {"figure": figure}) if is_stored else never
        try:
            book.draw(date(2026, month, 1), release, ONE, Decimal(9), f"2026-04-{day:02}", make)
        except AssertionError:
            continue
    return book


def test_lines_are_plain_json_that_names_no_more_than_region_month_and_cost(book: BudgetBook) -> None:
    take(book, 1)
    booking, draw = map(json.loads, book.path.read_text().splitlines())
    assert set(booking) == {"line", "booking", "region", "month", "release", "epsilon", "at"}
    assert set(draw) == {"line", "booking", "region", "at", "result"}
