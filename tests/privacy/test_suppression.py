"""Tombstones: whose records they hold, that they name nobody, and that a merge forgets none."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime

import polars as pl
import pytest

from privacy.keys import Key
from privacy.line_book import LineBook
from privacy.pseudonyms import pseudonym
from privacy.suppression import Suppression, Tombstone, mark, successor
from privacy.suppression_book import SuppressionBook
from settings import PermanentError, UsageError

PSEUDONYM, STONES = Key("eu", "pseudonym", b"\x11" * 32), Key("eu", "suppression", b"\x33" * 32)
ERASED = datetime(2026, 3, 5)
BEFORE, AFTER = datetime(2026, 3, 4), datetime(2026, 3, 6)
SCHEMA = {"anonymous_id": pl.String, "user_id": pl.String, "occurred_at": pl.Datetime("us"),
          "received_at": pl.Datetime("us"), "analytics_consent": pl.Boolean}  # fmt: skip


@pytest.fixture(autouse=True)
def no_keys_at_hand(monkeypatch):
    for name in ("ROMI_KEY_FILE", "ROMI_KEY_EU_SUPPRESSION"):
        monkeypatch.delenv(name, raising=False)


def stone(kind, value, at=ERASED, **fields):
    return Tombstone(mark(STONES, kind, pseudonym(PSEUDONYM, kind, value)), at, "r1", **fields)


def screen(stones, *rows):
    plain = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return Suppression(STONES, stones).screen(plain, PSEUDONYM).rows()


def test_a_tombstone_is_an_hmac_of_the_pseudonym_under_its_own_key():
    of_user = pseudonym(PSEUDONYM, "user", "u")
    expected = hmac.new(STONES.secret.hex().encode(), b"user\x1f" + of_user.encode(), hashlib.sha256).hexdigest()
    assert mark(STONES, "user", of_user) == expected[:32]
    assert mark(STONES, "anonymous", of_user) != mark(STONES, "user", of_user)


def test_records_with_an_identifier_that_was_erased_are_held_whatever_else_they_name():
    stones = [stone("user", "u"), stone("anonymous", "a")]
    rows = [("a", None, BEFORE, None, True), ("b", "u", BEFORE, None, None), ("a", "v", AFTER, AFTER, None),
            ("b", "v", BEFORE, None, True), ("u", "a", BEFORE, None, True)]  # fmt: skip
    assert [row[0] for row in screen(stones, *rows)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("occurred_at", "received_at", "consent", "comes_in"),
    [(AFTER, AFTER, True, True), (AFTER, None, True, True), (AFTER, AFTER, None, False), (AFTER, AFTER, False, False),
     (BEFORE, AFTER, True, False), (AFTER, BEFORE, True, False), (ERASED, ERASED, True, False)],
)  # fmt: skip
def test_only_consent_of_the_record_itself_after_the_erasure_lets_someone_in(
    occurred_at, received_at, consent, comes_in
):
    ((is_suppressed, device, user),) = screen([stone("user", "u")], ("a", "u", occurred_at, received_at, consent))
    assert is_suppressed is not comes_in
    assert device is None, "a device that was not erased goes by the pseudonym it has"
    assert user == (successor(PSEUDONYM, "user", pseudonym(PSEUDONYM, "user", "u")) if comes_in else None)


def test_who_is_erased_again_comes_again_as_somebody_else():
    first = pseudonym(PSEUDONYM, "user", "u")
    second = successor(PSEUDONYM, "user", first)
    stones = [stone("user", "u"), Tombstone(mark(STONES, "user", second), AFTER, "r2")]
    later = datetime(2026, 3, 8)
    held, passed = screen(stones, (None, "u", AFTER, None, True), (None, "u", later, later, True))
    assert held[0] is True
    assert passed == (False, None, successor(PSEUDONYM, "user", second))
    assert Suppression(STONES, stones).life(PSEUDONYM, "user", first) == [first, second, passed[2]]


def test_of_a_shared_device_only_what_names_no_user_in_the_persons_time_is_held():
    stones = [stone("anonymous", "a", span=(datetime(2026, 3, 1), datetime(2026, 3, 3)))]
    inside, outside = datetime(2026, 3, 2), datetime(2026, 3, 3)
    rows = [("a", None, inside, None, True), ("a", "v", inside, None, True), ("a", None, outside, None, True)]
    assert [row[0] for row in screen(stones, *rows)] == [True, False, False]


def test_the_book_keeps_tombstones_for_its_owner_alone_and_names_nobody(tmp_path):
    book = SuppressionBook(tmp_path / "w", "eu")
    assert book.load() is None
    key = book.key()
    stones = [stone("user", "u"), stone("anonymous", "a", span=(BEFORE, AFTER))]
    assert book.add(key, stones) == 2
    assert book.add(key, stones) == 0
    path = tmp_path / "w" / "books" / "eu" / "suppression.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert pseudonym(PSEUDONYM, "user", "u") not in path.read_text()
    loaded = SuppressionBook(tmp_path / "w", "eu").load()
    assert loaded.key == key
    assert loaded._stones == Suppression(key, stones)._stones


def test_a_merge_takes_what_is_missing_and_loses_nothing(tmp_path):
    ours, theirs = SuppressionBook(tmp_path / "w", "eu"), SuppressionBook(tmp_path / "old", "eu")
    key = ours.key()
    ours.add(key, [stone("user", "u")])
    theirs.add(key, [stone("user", "u"), stone("user", "v")])
    assert ours.merge(theirs.lines.path) == 1
    assert ours.merge(theirs.lines.path) == 0
    assert len(ours.load()._stones) == 2
    with pytest.raises(PermanentError, match="another region"):
        SuppressionBook(tmp_path / "w", "us").merge(ours.lines.path)


def test_without_its_key_or_whole_the_book_is_not_passed_over(tmp_path, monkeypatch):
    book = SuppressionBook(tmp_path / "w", "eu")
    book.add(book.key(), [stone("user", "u")])
    with monkeypatch.context() as patch:
        patch.setenv("ROMI_KEY_EU_SUPPRESSION", "44" * 32)
        with pytest.raises(UsageError, match="give it the old one"):
            book.load()
    (tmp_path / "w.keys").unlink()
    with pytest.raises(UsageError, match="no suppression key"):
        book.load()
    book.lines.path.write_text('{"region": "eu", "mark":')
    with pytest.raises(PermanentError, match="restore it first"):
        book.load()


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_book_whose_writer_dies_has_the_lines_of_before(tmp_path, monkeypatch, call):
    book = LineBook(tmp_path / "book.jsonl", "eu")
    book.append({"n": 1})

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"settings.durable.os.{call}", die)
        with pytest.raises(KeyboardInterrupt):
            book.append({"n": 2})
    assert [line["n"] for line in book.lines()] == [1]
    book.append({"n": 2}, {"n": 2})
    assert [json.loads(line)["n"] for line in book.path.read_text().splitlines()] == [1, 2]
