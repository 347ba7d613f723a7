"""Tombstones in two places with a memory: one loss is mended, and more than that is never passed over."""

from __future__ import annotations

import json
import shutil
from datetime import datetime

import pytest

from privacy import tombstone_memory
from privacy.keys import key_file
from privacy.suppression import Tombstone
from privacy.suppression_book import ForgottenError, SuppressionBook
from settings import UsageError

ERASED = datetime(2026, 3, 5)


@pytest.fixture
def book(tmp_path, monkeypatch):
    for name in ("ROMI_KEY_FILE", "ROMI_KEY_EU_SUPPRESSION"):
        monkeypatch.delenv(name, raising=False)
    made = SuppressionBook(tmp_path / "w", "eu")
    made.add(made.key(), [stone(1), stone(2)])
    return made


def stone(number):
    return Tombstone(f"{number:032x}", ERASED, "r1")


def marks(book):
    return sorted(book.load()._stones)


def copy(book):
    return tombstone_memory.copy_of(book.warehouse, "eu").path


def lose(book, what):
    places = {"book": [book.lines.path], "copy": [copy(book)], "both": [book.lines.path, copy(book)]}
    for path in places[what]:
        path.unlink()


@pytest.mark.parametrize("lost", ["book", "copy"])
def test_what_one_place_lost_is_in_force_at_once_and_mended_from_the_other(book, lost):
    before = book.lines.path.read_text()
    lose(book, lost)
    assert len(marks(book)) == 2
    assert "`romi run` mends it" in book.disagreement()
    (said,) = book.mend()
    assert "2 tombstones" in said
    assert book.lines.path.read_text() == copy(book).read_text() == before
    assert book.mend() == []
    assert book.disagreement() is None
    assert copy(book).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("harm", ['{"region": "eu", "mark":', "\x00\x01\n"])
def test_a_damaged_place_is_set_aside_and_mended_from_the_other(book, harm):
    for path in (book.lines.path, copy(book)):
        path.write_text(harm)
        assert len(marks(book)) == 2
        book.mend()
        assert book.disagreement() is None
        assert path.with_name(f"{path.name}.damaged").read_text() == harm


@pytest.mark.parametrize("use", ["load", "key", "mend"])
def test_fewer_than_were_made_stops_every_use_and_says_what_mends_it(book, use):
    lines = book.lines.path.read_text().splitlines()
    lose(book, "both")
    with pytest.raises(ForgottenError, match=r"0 tombstones.*but 2 were made.*accept-loss --region eu"):
        getattr(book, use)()
    assert "2 were made" in book.disagreement()
    book.lines.path.write_text(lines[0] + "\n")
    with pytest.raises(ForgottenError, match="1 tombstones"):
        getattr(book, use)()
    other = json.dumps(json.loads(lines[1]) | {"mark": "f" * 32}, sort_keys=True)
    book.lines.path.write_text(f"{lines[0]}\n{other}\n")
    with pytest.raises(ForgottenError):
        getattr(book, use)()
    book.lines.path.write_text("\n".join(reversed(lines)) + "\n")
    getattr(book, use)()


def test_a_loss_that_is_accepted_lets_work_go_on_with_what_is_known(book):
    keep = book.lines.path.read_text().splitlines()[0]
    lose(book, "both")
    book.lines.path.write_text(keep + "\n")
    assert book.accept_loss() == 1
    assert len(marks(book)) == 1
    assert book.accept_loss() == 0


def test_a_key_of_tombstones_that_are_nowhere_stops_a_warehouse_of_before_the_memory(book):
    keys = json.loads(key_file(book.warehouse).read_text())
    del keys["eu"]["tombstones"]
    key_file(book.warehouse).write_text(json.dumps(keys))
    assert len(marks(book)) == 2, "a book of before the memory is what it was"
    lose(book, "both")
    with pytest.raises(ForgottenError, match="somebody was erased"):
        book.load()
    (book.lines.path.with_name("owners.jsonl")).write_text("{}\n")
    assert book.load() is None, "the key is that of rectified devices"


@pytest.mark.parametrize("call", ["keep_copy", "remember"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_while_tombstones_are_written_the_region_goes_on_and_forgets_none(book, monkeypatch, call, after):
    real = getattr(tombstone_memory, call)

    def die(*arguments):
        if after:
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tombstone_memory, call, die)
        with pytest.raises(KeyboardInterrupt):
            book.add(book.key(), [stone(3)])
    assert len(marks(book)) in (2, 3)
    book.mend()
    book.add(book.key(), [stone(3)])
    assert len(marks(book)) == 3
    assert tombstone_memory.remembered(book.warehouse, "eu").count == 3
    assert book.disagreement() is None


def test_a_first_erasure_that_dies_before_its_tombstone_leaves_a_region_that_works(tmp_path, monkeypatch):
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    book = SuppressionBook(tmp_path / "w", "eu")
    book.key()
    assert SuppressionBook(tmp_path / "w", "eu").load() is None


def test_with_keys_from_the_environment_the_copy_is_the_memory(tmp_path, monkeypatch):
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    monkeypatch.setenv("ROMI_KEY_EU_SUPPRESSION", "33" * 32)
    book = SuppressionBook(tmp_path / "w", "eu")
    book.add(book.key(), [stone(1)])
    assert not key_file(book.warehouse).exists()
    shutil.rmtree(book.warehouse)
    assert marks(book) == [stone(1).mark]


def test_where_nothing_can_be_written_beside_the_keys_no_tombstone_stands_in_one_place_alone(book):
    shutil.rmtree(copy(book).parent)
    copy(book).parent.write_text("a file is in the way")
    before = book.lines.path.read_text()
    with pytest.raises(UsageError, match="cannot be written"):
        book.add(book.key(), [stone(3)])
    assert book.lines.path.read_text() == before
    assert len(marks(book)) == 2, "those of before hold all the same"
    assert "one place only" in book.mend()[0]
