"""The SHA-256 of a file's content, whole or of its beginning, with another digest in the same pass."""

import hashlib
import io

import pytest

from settings.digests import sha256_of

CONTENT = bytes(range(256)) * 10_000  # several blocks, and a part of one


@pytest.mark.parametrize("most", [None, 0, 1, 1 << 20, (1 << 20) + 1, len(CONTENT), len(CONTENT) + 1])
def test_the_digest_is_of_so_much_of_the_content(most):
    assert sha256_of(io.BytesIO(CONTENT), most) == hashlib.sha256(CONTENT[:most]).hexdigest()


def test_another_digest_sees_every_byte_in_the_same_pass():
    md5 = hashlib.md5(usedforsecurity=False)
    sha256_of(io.BytesIO(CONTENT), also=md5)
    assert md5.hexdigest() == hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
