"""Values that are shaped like a person's data and so must not pass as a campaign or an order number."""

from __future__ import annotations

import re

REDACTED = "(redacted)"

_EMAIL = re.compile(r"[^\s@]+(@|%40)[^\s@]+\.[^\s@]+", re.IGNORECASE)
# Ids of advertising platforms are bare digits as well, so a phone number has to show a prefix or separators.
_PHONE = re.compile(r"(?:^|\D)(?:\+|00)\d(?:[\s().\-/]*\d){7,14}(?!\d)|^\(?0\d(?:[\s().\-/]*\d){7,12}$")
_PHONE_NATIONAL = re.compile(r"^\(?\d{3}\)?[\s.\-]\d{3}[\s.\-]\d{4}$")
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_ISSUER = re.compile(
    r"4(\d{12}|\d{15}|\d{18})|(5[1-5]|2[2-7]|62|35)\d{14}|3[47]\d{13}|3(0[0-5]|[689]\d)\d{11}|6(011|5\d\d)\d{12}"
)
_TOKEN = re.compile(
    r"eyJ[\w-]{10,}\.[\w-]+|\b(sk|pk|rk)_(live|test)_\w{8,}|\bgh[pousr]_\w{16,}|\bAKIA[0-9A-Z]{12,}|\bxox[abprs]-[\w-]{8,}"
    r"|(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])",
    re.IGNORECASE,
)
_SHORTEST = 32  # of what may be random
_LONG = re.compile(
    rf"(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9+/]{{{_SHORTEST},}}={{0,2}}(?![A-Za-z0-9])"
)
_HEX = re.compile(r"[0-9a-fA-F]+")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


def is_email(value: str) -> bool:
    return _EMAIL.search(value) is not None


def redact(value: str) -> str:
    """`value`, or ``(redacted)`` where some of it is shaped like an e-mail address, a phone, a card or a token."""
    is_personal = is_email(value) or _PHONE.search(value) or _PHONE_NATIONAL.search(value) or _TOKEN.search(value)
    is_random = any(map(_is_random, _LONG.findall(value)))
    return REDACTED if is_personal or is_random or any(map(_is_card, _CARD.findall(value))) else value


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
