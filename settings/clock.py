"""The clock, which ``ROMI_NOW`` sets for tests and drills."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from settings.errors import UsageError


def now() -> datetime:
    """The clock, in UTC: ``ROMI_NOW`` (RFC 3339) where it is set, for tests and drills.

    Raises:
        UsageError: ``ROMI_NOW`` is no RFC 3339 date-time with an offset.
    """
    fixed = os.environ.get("ROMI_NOW")
    if not fixed:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(fixed.upper())
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"ROMI_NOW={fixed!r} is no RFC 3339 date-time, such as 2026-03-01T12:00:00Z") from error
