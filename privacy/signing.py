"""Signed documents: JSON that shows, to whoever has the public key, that not a byte of it has changed.

The signature is Ed25519 (RFC 8032) under a region's ``certificate`` key, whose 32 bytes are the private key. A signed
document has one spelling only, which :func:`signed` writes, so that another spelling of the same values is refused too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from privacy.keys import Key
from settings import PermanentError, UsageError

_SIGNATURE = "signature"


class ForgedError(PermanentError):
    """The document is not what was signed, or the key that signed it is another."""


def signed(key: Key, document: Mapping[str, Any]) -> str:
    """The document as text with its signature: ``by`` (the key's fingerprint), ``algorithm`` and ``value`` (hex).

    Args:
        document: JSON values; no field is called ``signature``.
    """
    signature = {"algorithm": "Ed25519", "by": fingerprint(public_key(key))}
    value = _private(key).sign(_body(document, signature)).hex()
    return _spelt({**document, _SIGNATURE: {**signature, "value": value}})


def verified(text: str, public: bytes) -> dict[str, Any]:
    """The document without its signature, which the key of 32 bytes `public` has made.

    Raises:
        ForgedError: it is no signed document, a byte of it has changed, or another key signed it.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        signature = document.pop(_SIGNATURE)
        value = bytes.fromhex(signature.pop("value"))
        is_as_written = text == _spelt({**document, _SIGNATURE: {**signature, "value": value.hex()}})
        body = _body(document, signature)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ForgedError("this is no signed document, or it was changed") from None
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(value, body)
    except (InvalidSignature, ValueError):
        raise ForgedError(f"the document was changed, or was not signed by key {fingerprint(public)}") from None
    if not is_as_written:
        raise ForgedError("the document is not spelt as it was signed, so it was changed")
    return document


def public_key(key: Key) -> bytes:
    """The 32 bytes by which anybody can verify what `key` has signed."""
    return _private(key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def fingerprint(public: bytes) -> str:
    """Names a public key: the first 32 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:32]


def as_pem(public: bytes) -> str:
    """A public key as other programs read it (PEM, SubjectPublicKeyInfo)."""
    pem = Ed25519PublicKey.from_public_bytes(public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def from_pem(text: str) -> bytes:
    """The 32 bytes of a public key that :func:`as_pem` wrote.

    Raises:
        UsageError: it is no Ed25519 public key.
    """
    try:
        found = load_pem_public_key(text.encode())
    except ValueError:
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise UsageError("this is no Ed25519 public key in PEM: `romi keys public --region R` writes one")
    return found.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _private(key: Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.secret)


def _body(document: Mapping[str, Any], signature: Mapping[str, str]) -> bytes:
    """What is signed: everything but the signature's value."""
    return _spelt({**document, _SIGNATURE: dict(signature)}).encode()


def _spelt(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"
