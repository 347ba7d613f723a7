"""What a request named, as keyed hashes: found again where it stands by itself, and saying nothing without the key."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.removal.dead_persons import is_told_by, quotes_of
from privacy.asked import Asked, asked_mark, quotes_asked
from privacy.keys import Key

KEY, OTHER = Key("eu", "suppression", bytes(range(32))), Key("eu", "suppression", bytes(32))


def test_a_mark_hangs_on_key_and_kind_and_not_on_capitals():
    mark = asked_mark(KEY, "email", "jane@shop.example")
    assert mark == asked_mark(KEY, "email", "Jane@Shop.EXAMPLE")
    assert (
        len({mark, asked_mark(KEY, "text", "jane@shop.example"), asked_mark(OTHER, "email", "jane@shop.example")}) == 3
    )


def test_a_line_comes_back_as_it_was():
    one = Asked("4f1", datetime(2026, 3, 1, 12), "email", asked_mark(KEY, "email", "j@x.example"), "fingerprint")
    assert Asked.of({"region": "eu", **one.line(KEY)}) == one


@pytest.mark.parametrize(("text", "is_quoted"), [
    ('{"a": "Jane.Roe@shop.example"}', True), ("from jane.roe@shop.example.", True), ("", False), ('{"n": 1}', False),
    ("not.jane.roe@shop.example", False), ("jane.roe@shop.example-x", False), ("to:jane.roe@shop.example+x", True),
    ('"id with blanks"', True), ('"id with blanks and more"', False), ('"caf\\u00e9-7"', True),
])  # fmt: skip
def test_a_text_quotes_it_as_the_search_in_plain_has_it(text, is_quoted):
    told = ["jane.roe@shop.example", "id with blanks", "café-7"]
    marks = {asked_mark(KEY, "text", one) for one in told}
    assert quotes_asked(KEY, marks)(text) is is_quoted
    assert bool(quotes_of(told)(text)) is is_quoted or "blanks" in text
    assert not quotes_asked(KEY, set())(text)
    assert not quotes_asked(OTHER, marks)(text)


@given(
    st.text(st.sampled_from('ab.@+-_ "\\:{}1'), max_size=40), st.text(st.sampled_from("ab.@1"), min_size=4, max_size=8)
)
def test_what_the_search_in_plain_finds_is_found_by_its_hash(text, told):
    word = f"x{told}y"  # begins and ends as an identifier does
    if is_told_by(word) and quotes_of([word])(text + word):
        assert quotes_asked(KEY, {asked_mark(KEY, "text", word)})(text + word)
