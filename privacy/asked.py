"""What a request named, as keyed hashes: by these a later run can look where an erasure could not, and nobody is named.

They stand in the suppression book beside the request's tombstones. Tombstones are made of pseudonyms; with these an
e-mail address is recognised where archives hold one, and an identifier where a dead letter quotes it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from privacy.keys import Key
from privacy.pseudonyms import HEX_DIGITS

AskedKind = Literal["email", "text"]
_WORD = re.compile(r"[\w.@+-]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LONGEST = 1024  # characters of an identifier that is looked for in text


@dataclass(frozen=True)
class Asked:
    """One identifier of a request: an address to look for in archives, or a text to look for in dead letters."""

    request: str
    erased_at: datetime  # UTC, naive
    kind: AskedKind
    mark: str
    under: str  # the fingerprint of the pseudonym key that the request's tombstones were made with

    def line(self, key: Key) -> dict[str, Any]:
        """As it stands in the suppression book."""
        return {"key": key.fingerprint, "mark": self.mark, "asked": self.kind, "request": self.request,
                "erased_at": self.erased_at.isoformat(), "under": self.under}  # fmt: skip

    @classmethod
    def of(cls, line: dict[str, Any]) -> Asked:
        moment = datetime.fromisoformat(line["erased_at"])
        return cls(line["request"], moment, line["asked"], line["mark"], line["under"])


def asked_mark(key: Key, kind: AskedKind, text: str) -> str:
    """The keyed hash of an identifier, 32 hexadecimal digits; upper and lower case are one."""
    message = f"asked {kind}\x1f{text.casefold()}".encode()
    return hmac.new(key.secret.hex().encode(), message, hashlib.sha256).hexdigest()[:HEX_DIGITS]


def quotes_asked(key: Key, marks: Collection[str]) -> Callable[[str], bool]:
    """Whether a text quotes an identifier with one of these marks, as a word of it or as a whole JSON string."""

    def is_quoted(text: str) -> bool:
        return any(asked_mark(key, "text", one) in marks for one in set(_candidates(text)))

    return is_quoted if marks else lambda _: False


def _candidates(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield word
        if len(word) <= _LONGEST:  # what ends before a full stop, or the plus of an address
            yield from (word[: one.start()] for one in re.finditer(r"[.+]", word))
    for quoted in _QUOTED.findall(text):
        if len(quoted) <= _LONGEST:
            try:
                yield json.loads(f'"{quoted}"')
            except ValueError:
                yield quoted
