"""An entry of the register of processing, and the bases that entries stand on."""

from __future__ import annotations

from dataclasses import dataclass

INTEREST = "legitimate interest in accounting for marketing (Art. 6(1)(f) GDPR)"
CONSENT = "consent to analytics (Art. 6(1)(a) GDPR); commerce without it is kept without a person"
DUTY = "duty to keep accounts (Art. 6(1)(c) GDPR)"
OPERATORS = "operators of the warehouse"


@dataclass(frozen=True)
class Processing:
    """One class of data: all that the register says of it."""

    name: str
    what: str
    why: str
    basis: str
    period: str | None  # a key of `retention`; None where nothing in it is about persons
    who: str
    is_personal: bool
    tables: dict[str, str]  # of a region's file: columns in their order
    files: tuple[str, ...] = ()  # patterns of paths in the warehouse
