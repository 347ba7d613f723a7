import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.keys import Key
from privacy.sealing import seal, unseal
from settings import PermanentError

KEY = Key("eu", "seal", bytes(range(32)))


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_again(payload, place):
    assert unseal(KEY, seal(KEY, payload, place), place) == payload


def test_the_payload_is_not_to_be_seen_and_never_sealed_alike_twice():
    payload = b"jane@example.com"
    first, second = seal(KEY, payload, "a#1"), seal(KEY, payload, "a#1")
    assert payload not in first
    assert first != second


@pytest.mark.parametrize("changed", ["key", "place", "byte", "cut", "empty"])
def test_with_another_key_place_or_byte_it_does_not_open(changed):
    sealed = seal(KEY, b"payload", "a#1")
    key = Key("eu", "seal", b"\1" * 32) if changed == "key" else KEY
    place = "a#2" if changed == "place" else "a#1"
    sealed = {"byte": sealed[:-1] + bytes([sealed[-1] ^ 1]), "cut": sealed[:20], "empty": b""}.get(changed, sealed)
    with pytest.raises(PermanentError, match="does not open"):
        unseal(key, sealed, place)
