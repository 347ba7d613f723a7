"""Signed documents: what was signed is verified, and nothing else is."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from privacy.keys import Key
from privacy.signing import ForgedError, as_pem, fingerprint, from_pem, public_key, signed, verified
from settings import UsageError

KEY = Key("eu", "certificate", bytes(range(32)))
OTHER = Key("eu", "certificate", bytes(range(1, 33)))
PUBLIC = public_key(KEY)
TEXT = signed(KEY, {"request": "4f1", "removed": {"events": 2}, "where": ["regions/eu.duckdb"], "note": "café"})


def test_the_key_is_ed25519_as_the_standard_has_it():
    """RFC 8032, section 7.1, test 2."""
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    known = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert public_key(Key("eu", "certificate", secret)).hex() == known
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(b"\x72").hex()
    assert signature.startswith("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da")


def test_what_was_signed_is_verified_and_says_by_which_key():
    document = verified(TEXT, PUBLIC)
    assert document == {"request": "4f1", "removed": {"events": 2}, "where": ["regions/eu.duckdb"], "note": "café"}
    assert json.loads(TEXT)["signature"]["by"] == fingerprint(PUBLIC)
    assert signed(KEY, document) == TEXT, "the same values are the same bytes"


@given(at=st.integers(0, len(TEXT) - 1), to=st.characters(min_codepoint=1, max_codepoint=126))
def test_a_changed_byte_fails(at, to):
    changed = TEXT[:at] + to + TEXT[at + 1 :]
    if changed != TEXT:
        with pytest.raises(ForgedError):
            verified(changed, PUBLIC)


@pytest.mark.parametrize("change", [
    lambda text: text + " ", lambda text: text[:-1], lambda text: text.replace("\n", "\r\n"), lambda text: "[]",
    lambda text: text.replace('"events": 2', '"events": 2.0'), lambda text: text.replace(": ", ":", 1),
    lambda text: text.replace('"note"', '"note": 1, "note"'), lambda text: "", lambda text: '{"signature": 1}',
    lambda text: '{"signature": {"value": 7}}', lambda text: "[" * 100_000,
])  # fmt: skip
def test_another_spelling_is_refused(change):
    with pytest.raises(ForgedError):
        verified(change(TEXT), PUBLIC)


def test_another_key_is_refused():
    with pytest.raises(ForgedError, match=fingerprint(public_key(OTHER))):
        verified(TEXT, public_key(OTHER))
    by_another = signed(OTHER, verified(TEXT, PUBLIC))
    with pytest.raises(ForgedError):
        verified(by_another, PUBLIC)


def test_a_public_key_goes_out_and_comes_back():
    assert from_pem(as_pem(PUBLIC)) == PUBLIC
    for text in ("", "no key", as_pem(PUBLIC).replace("M", "N", 1)):
        with pytest.raises(UsageError, match="romi keys public"):
            from_pem(text)
