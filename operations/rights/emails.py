"""Whose e-mail address it is. The warehouse keeps none, so the landing zone is asked, while the records are there."""

from __future__ import annotations

from typing import Any

from ingestion.compression import CorruptArchiveError
from ingestion.landing import discover
from ingestion.lines import raw_lines
from ingestion.records import DeadLetter, decode_text
from ingestion.sources import converter
from operations.rights.persons import Identifiers
from settings import Settings, UsageError

_PLACES = (("context", "traits"), ("traits",), ("properties",))


def identifiers_of(settings: Settings, region: str, email: str) -> Identifiers:
    """The ids that landed records tie to the address, and the address itself, which may be a user's id.

    Reads every event archive of the region that is still in the landing zone; nothing is kept of what it reads.
    """
    wanted = email.strip().casefold()
    users, devices = {email.strip(), wanted}, set()
    for record in _records(settings, region, wanted):
        if wanted in _emails(record):
            users |= {record["userId"]} if isinstance(record.get("userId"), str) and record["userId"] else set()
            devices |= {record["anonymousId"]} if isinstance(record.get("anonymousId"), str) else set()
    return Identifiers(tuple(sorted(users)), tuple(sorted(devices - {""})))


def _records(settings: Settings, region: str, wanted: str):
    name = wanted.partition("@")[0].encode()
    try:
        landed = [one for one in discover(settings, region) if one.kind == "events"]
    except UsageError:
        return  # no landing zone any more
    for one in landed:
        convert = converter(settings.topic(one.topic).format, settings.reporting_currency) or decode_text
        try:
            for line in raw_lines(one.path):
                # Most lines hold no such text; one with escapes or of another alphabet is read to be sure.
                if name in line.lower() or b"\\u" in line or not wanted.isascii():
                    try:
                        yield convert(line.decode("utf-8"))
                    except (DeadLetter, ValueError, KeyError):
                        continue
        except CorruptArchiveError:
            continue


def _emails(record: dict[str, Any]) -> set[str]:
    found = set()
    for path in _PLACES:
        here: Any = record
        for part in path:
            here = here.get(part) if isinstance(here, dict) else None
        email = here.get("email") if isinstance(here, dict) else None
        found |= {email.strip().casefold()} if isinstance(email, str) else set()
    return found
