"""Sealed payloads: AES-256-GCM, so that what a dead letter said is readable only with the region's key."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.keys import Key
from settings import PermanentError

_NONCE_BYTES = 12
OVERHEAD_BYTES = _NONCE_BYTES + 16  # what a sealed payload is longer by


def seal(key: Key, payload: bytes, place: str) -> bytes:
    """Nonce, ciphertext and tag; bound to `place` so that it cannot be moved to another row."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key.secret).encrypt(nonce, payload, place.encode())


def unseal(key: Key, sealed: bytes, place: str) -> bytes:
    """The payload again.

    Raises:
        PermanentError: another key, another place, or a changed byte.
    """
    try:
        return AESGCM(key.secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise PermanentError(f"the payload at {place} does not open with the region's seal key") from error
