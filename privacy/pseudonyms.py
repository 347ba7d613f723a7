"""Keyed pseudonyms: HMAC-SHA256 (RFC 2104), domain-separated by kind, cut to 16 bytes (32 hexadecimal digits)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Literal

import polars as pl
import polars_hash

from privacy.keys import Key

Kind = Literal["message", "anonymous", "user", "order", "campaign"]
HEX_DIGITS = 32
# Rotated with the key. Records, orders and campaigns are no persons: their pseudonyms break ties, tell copies apart,
# and tie cost to touches.
PERSONS: tuple[Kind, ...] = ("anonymous", "user")


def pseudonym(key: Key, kind: Kind, value: str) -> str:
    """The pseudonym of one identifier, as 32 hexadecimal digits."""
    message = f"{kind}\x1f{value}".encode()
    first = hmac.new(_hmac_key(key), message, hashlib.sha256).hexdigest()[:HEX_DIGITS]
    return nested(first, key.rotations) if kind in PERSONS else first


def nested(pseudonym_: str, rotations: Sequence[bytes]) -> str:
    """A pseudonym as the rotations of the key leave it: HMAC(k2, HMAC(k1, id)), and so on."""
    for secret in rotations:
        message = f"rotated\x1f{pseudonym_}".encode()
        pseudonym_ = hmac.new(secret.hex().encode(), message, hashlib.sha256).hexdigest()[:HEX_DIGITS]
    return pseudonym_


def pseudonyms(key: Key, kind: Kind, column: str) -> pl.Expr:
    """:func:`pseudonym` over a string column; null stays null."""
    first = _hashed(f"{kind}\x1f", pl.col(column), _hmac_key(key).decode())
    return nested_all(first, key.rotations) if kind in PERSONS else first


def nested_all(pseudonyms_: pl.Expr, rotations: Sequence[bytes]) -> pl.Expr:
    """:func:`nested` over a string column; null stays null."""
    for secret in rotations:
        pseudonyms_ = _hashed("rotated\x1f", pseudonyms_, secret.hex())
    return pseudonyms_


def _hashed(prefix: str, values: pl.Expr, key: str) -> pl.Expr:
    hashed = polars_hash.concat_str(pl.lit(prefix), values).chash.hmac_sha256(key=key)
    return hashed.str.head(HEX_DIGITS)


def _hmac_key(key: Key) -> bytes:
    # The vectorised HMAC takes its key as text, so both use the 64 digits, which is SHA-256's block size.
    return key.secret.hex().encode()


def order_keys(key: Key, values: pl.Series) -> pl.Series:
    """Sort keys that order as the plain values do, without holding them.

    Ties of a timestamp are broken by ``messageId``, which is kept only as a pseudonym; pseudonyms sort at random.
    So each of the first 16 characters is replaced by a keyed, strictly increasing code of one byte. Only ids of
    machine shape (letters, digits, ``-_.:``) get one; any other value, such as an e-mail address, gets zeros.

    Args:
        values: strings without nulls, of length n.

    Returns:
        Series of n strings of 32 hexadecimal digits.
    """
    import numpy as np

    machine_made = values.str.contains(r"^[0-9A-Za-z._:-]+$")
    head = pl.select(pl.when(machine_made).then(values.str.head(16)).otherwise(pl.lit(""))).to_series()
    letters = np.frombuffer(np.array(head.to_list(), dtype="S16").tobytes(), dtype=np.uint8)
    digits = _increasing_codes(key)[letters].tobytes().hex()
    return pl.Series([digits[i : i + HEX_DIGITS] for i in range(0, len(digits), HEX_DIGITS)], dtype=pl.String)


def _increasing_codes(key: Key):
    import numpy as np

    seed = hmac.new(_hmac_key(key), b"message order", hashlib.sha256).digest()
    chosen = np.random.Generator(np.random.PCG64(int.from_bytes(seed))).choice(np.arange(1, 256), 95, replace=False)
    codes = np.zeros(256, dtype=np.uint8)
    codes[32:127] = np.sort(chosen)
    return codes
