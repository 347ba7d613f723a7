"""Values that are shaped like a person's data and so must not pass as a campaign or an order number.

Anyone can send a record, so no value may cost more than a time that grows with its length alone. What looks for the end
of a run of any length is RE2's, which promises that; the standard library's patterns, which can look around, are
bounded.
"""

from __future__ import annotations

import re

import re2

REDACTED = "(redacted)"
LONGEST_BYTES = 1 << 10
_LOOKED_AT = 4 << 10  # characters: what is kept must not end within an address that would have been told

_BLANK = r"\t-\r\x1c-\x20\x85\p{Z}"
_NOT_IN_EMAIL = rf"[^{_BLANK}@]"
_EMAIL = re2.compile(rf"(?i){_NOT_IN_EMAIL}(?:@|%40){_NOT_IN_EMAIL}+\.{_NOT_IN_EMAIL}")
# Ids of advertising platforms are bare digits as well, so a phone number has to show a prefix or separators.
_IN_PHONE = rf"[{_BLANK}().\-/]*\p{{Nd}}"
_PHONE = re2.compile(
    rf"(?:^|\P{{Nd}})(?:\+|00)\p{{Nd}}(?:{_IN_PHONE}){{7,14}}(?:\P{{Nd}}|$)"
    rf"|^\(?0\p{{Nd}}(?:{_IN_PHONE}){{7,12}}\n?$"
    rf"|^\(?\p{{Nd}}{{3}}\)?[{_BLANK}.\-]\p{{Nd}}{{3}}[{_BLANK}.\-]\p{{Nd}}{{4}}\n?$"
)
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_ISSUER = re.compile(
    r"4(\d{12}|\d{15}|\d{18})|(5[1-5]|2[2-7]|62|35)\d{14}|3[47]\d{13}|3(0[0-5]|[689]\d)\d{11}|6(011|5\d\d)\d{12}"
)
_WEB_TOKEN = re2.compile(r"(?i)eyJ[\p{L}\p{N}_-]{10,}\.[\p{L}\p{N}_-]")
_TOKEN = re.compile(
    r"\b(sk|pk|rk)_(live|test)_\w{8}|\bgh[pousr]_\w{16}|\bAKIA[0-9A-Z]{12}|\bxox[abprs]-[\w-]{8}"
    r"|(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])",
    re.IGNORECASE,
)
_SHORTEST = 32  # of what may be random
# Letters and digits mixed. A run of them is looked through once: no match begins within one.
_LONG = re.compile(
    rf"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9+/]{{{_SHORTEST},}}={{0,2}}(?![A-Za-z0-9])"
)
_HEX = re.compile(r"[0-9a-fA-F]+")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


def is_too_long(value: str) -> bool:
    """Whether a value has more than 1 KiB, and so is cut by :func:`redact`."""
    return len(value) > LONGEST_BYTES or len(value.encode("utf-8", "surrogatepass")) > LONGEST_BYTES


def is_email(value: str) -> bool:
    return ("@" in value or "%40" in value) and _found(_EMAIL, value)


def redact(value: str) -> str:
    """`value`, or ``(redacted)`` where some of it is shaped like an e-mail address, a phone, a card or a token.

    Of a value above 1 KiB its beginning, since nobody names a campaign so.
    """
    looked_at = value[:_LOOKED_AT]
    is_personal = (
        is_email(looked_at) or _found(_PHONE, looked_at) or _found(_WEB_TOKEN, looked_at) or _TOKEN.search(looked_at)
    )
    is_random = any(map(_is_random, _LONG.findall(looked_at)))
    if is_personal or is_random or any(map(_is_card, _CARD.findall(looked_at))):
        return REDACTED
    return _beginning(looked_at) if is_too_long(value) else value


def _beginning(value: str) -> str:
    return value.encode("utf-8", "surrogatepass")[:LONGEST_BYTES].decode("utf-8", "ignore")


def _found(pattern: re2._Regexp, value: str) -> bool:
    """RE2 reads UTF-8, in which there is no half of a character."""
    return pattern.search(value.encode("utf-8", "replace").decode()) is not None


def _is_random(text: str) -> bool:
    """Whether letters and digits change as in hex or base64; names, parted by slashes or not, are of longer words."""
    is_path = text.count("/") * 12 >= len(text)
    return any(
        len(part) >= _SHORTEST
        and (_HEX.fullmatch(part) is not None or len(_WORD.findall(part)) * _word_length(part) > len(part))
        for part in (text.split("/") if is_path else [text])
    )


def _word_length(text: str) -> float:
    """The mean length up to which words are none; random text's are shorter where its letters are of two cases."""
    return 4 if text in (text.lower(), text.upper()) else 3.5


def _is_card(digits_and_blanks: str) -> bool:
    digits = re.sub(r"\D", "", digits_and_blanks)
    doubled = [int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(digits))]
    return _ISSUER.fullmatch(digits) is not None and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
