"""The key under which a region's file was filled: another would count the same persons twice."""

from __future__ import annotations

import duckdb

from ingestion.books import meta, put_meta, region_file
from privacy.keys import Key, region_key
from settings import PermanentError, Settings, TransientError, UsageError


def check_key(settings: Settings, region: str) -> None:
    """Refuse to go on with a region's file whose key is not at hand, before a new one is made.

    Raises:
        UsageError: the file was filled under another key, or under one that is lost.
    """
    try:
        with region_file(settings, region, read_only=True) as con:
            if meta(con, "pseudonym_key") is None:
                return
            key = region_key(settings.warehouse, region, "pseudonym", make=False)
            if not key.after(meta(con, "pseudonym_key") or ""):  # a rotation that was begun goes on
                hold_key(con, key)
    except (TransientError, PermanentError):
        return  # a file that cannot be read is the load's to tell


def hold_key(con: duckdb.DuckDBPyConnection, key: Key) -> None:
    """Refuse a key that is not the one under which the region was filled.

    Raises:
        UsageError: it is another.
    """
    held = meta(con, "pseudonym_key")
    if held is None:
        put_meta(con, "pseudonym_key", key.fingerprint)
    elif held != key.fingerprint:
        raise UsageError(
            f"region {key.region} was filled under key {held}, but the key at hand is {key.fingerprint}:"
            " give it the old one (ROMI_KEY_FILE), or persons would be counted twice"
        )
