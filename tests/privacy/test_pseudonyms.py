"""HMAC-SHA256 by the book (RFC 4231), in both ways of computing it, and order keys that sort as what they stand for."""

import hashlib
import hmac

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy import pseudonyms as module
from privacy.keys import Key
from privacy.pseudonyms import order_keys, pseudonym, pseudonyms
from tests.kit.examples import examples

KEY = Key("eu", "pseudonym", bytes(range(32)))
KINDS = ("message", "anonymous", "user", "order")
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
]  # fmt: skip


def is_text(data: bytes) -> bool:
    return all(byte < 128 for byte in data)


@pytest.mark.parametrize(("key", "data", "digest"), RFC_4231)
def test_known_answers_of_the_hmac_that_scalars_use(key, data, digest):
    assert hmac.new(key, data, hashlib.sha256).hexdigest() == digest


@pytest.mark.parametrize(("key", "data", "digest"), [case for case in RFC_4231 if is_text(case[0] + case[1])])
def test_known_answers_of_the_hmac_that_columns_use(key, data, digest):
    column = pl.DataFrame({"value": [data.decode()]}).select(pl.col("value").chash.hmac_sha256(key=key.decode()))
    assert column.item() == digest


@pytest.mark.parametrize(("key", "data", "digest"), [case for case in RFC_4231 if is_text(case[0] + case[1])])
def test_known_answers_through_both_ways_of_this_module(monkeypatch, key, data, digest):
    monkeypatch.setattr(module, "_hmac_key", lambda _: key)
    kind, value = "user", data.decode()
    expected = hmac.new(key, f"user\x1f{value}".encode(), hashlib.sha256).hexdigest()[:32]
    assert hmac.new(key, data, hashlib.sha256).hexdigest() == digest
    assert pseudonym(KEY, kind, value) == expected
    assert pl.DataFrame({"id": [value]}).select(pseudonyms(KEY, kind, "id")).item() == expected


def test_a_pseudonym_never_changes_from_version_to_version():
    assert (
        pseudonym(KEY, "user", "u-1")
        == hmac.new(KEY.secret.hex().encode(), b"user\x1fu-1", hashlib.sha256).hexdigest()[:32]
    )
    assert pseudonym(KEY, "user", "u-1") == "6a6083f8b674830b6a05fe3718ee7f87"


@settings(max_examples=examples(200, fast=40), deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.none(), min_size=1), st.sampled_from(KINDS))
def test_a_column_gets_the_pseudonyms_of_its_values(values, kind):
    column = (
        pl.DataFrame({"id": values}, schema={"id": pl.String}).select(pseudonyms(KEY, kind, "id")).to_series().to_list()
    )
    assert column == [None if value is None else pseudonym(KEY, kind, value) for value in values]


def test_kinds_and_keys_are_kept_apart():
    found = {pseudonym(key, kind, "x") for key in (KEY, Key("us", "pseudonym", b"\1" * 32)) for kind in KINDS}
    assert len(found) == 8


MACHINE_IDS = st.text("abcXYZ0129-_.:", min_size=1, max_size=16) | st.uuids().map(str)


def keys_of(values: list[str]) -> list[str]:
    return order_keys(KEY, pl.Series(values, dtype=pl.String)).to_list()


@settings(max_examples=examples(300, fast=60), deadline=None)
@given(st.lists(MACHINE_IDS, unique_by=lambda value: value[:16], min_size=1, max_size=30))
def test_order_keys_sort_as_the_plain_ids_do(values):
    keys = dict(zip(values, keys_of(values), strict=True))
    assert sorted(values, key=keys.__getitem__) == sorted(values)
    assert len(set(keys.values())) == len(values)


@settings(max_examples=examples(100, fast=30), deadline=None)
@given(st.lists(MACHINE_IDS, min_size=1))
def test_order_keys_hold_no_plain_text(values):
    for value, key in zip(values, keys_of(values), strict=True):
        assert len(bytes.fromhex(key)) == 16
        assert len(value) < 4 or value.encode()[:4] not in bytes.fromhex(key)


@pytest.mark.parametrize("value", ["jane@example.com", "a b", "ü", "", "a/b", "a+b"])
def test_a_value_of_another_shape_gets_no_order_key(value):
    assert keys_of([value]) == ["0" * 32]


def test_order_keys_differ_under_another_key():
    assert keys_of(["m-000001"]) != order_keys(Key("us", "pseudonym", b"\1" * 32), pl.Series(["m-000001"])).to_list()


def test_no_values_have_no_order_keys():
    assert keys_of([]) == []
