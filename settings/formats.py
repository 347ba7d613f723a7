"""The format of a warehouse: which one this release works on, which ones it brings forward, and what it says of others.

A format is a number that counts the migrations of ``operations/store/migrations``; it stands in the warehouse's
``warehouse.json`` and in each region's file.
"""

from __future__ import annotations

from pathlib import Path

from settings.errors import UsageError

WAREHOUSE_FORMAT = 18
OLDEST_FORMAT = 6  # the first that there are migrations from
# By format: the last release that brings it forward, once this one no longer does. Before format 6 there is none.
LAST_RELEASES: dict[int, str] = {}


def check_format(place: Path, found: object, *, may_migrate: bool = False) -> None:
    """Refuse what this release cannot work on.

    Args:
        place: the file or folder that is of the format, for the message.
        found: what it says of itself.
        may_migrate: accept also what migrations bring forward.

    Raises:
        UsageError: it is of another format; the message says which release or command helps.
    """
    if found == WAREHOUSE_FORMAT:
        return
    if not isinstance(found, int) or isinstance(found, bool):
        raise UsageError(f"{place} does not say which format it has, so it is not a warehouse's, or damaged")
    if found > WAREHOUSE_FORMAT:
        raise UsageError(
            f"{place} has format {found}, made by a later release than this one, which works on format"
            f" {WAREHOUSE_FORMAT}: install the later one again"
        )
    if found >= OLDEST_FORMAT:
        if not may_migrate:
            raise UsageError(
                f"{place} has format {found}, and this release works on format {WAREHOUSE_FORMAT}:"
                " `romi migrate` brings it there, and so does the next `romi run`"
            )
        return
    if release := LAST_RELEASES.get(found):
        way_out = f"release {release} is the last that does, so run its `romi migrate` first"
    else:
        way_out = "no release does, so start a new warehouse beside it and load the archives again"
    raise UsageError(
        f"{place} has format {found}, and this release brings forward format {OLDEST_FORMAT} and later: {way_out}"
    )
