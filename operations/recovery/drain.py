"""Load a region's backlog, and let everybody see how deep it still is."""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from ingestion.landing import Landed
from ingestion.load import Loaded, Progress, load_region
from operations import status
from operations.recovery import history
from settings import Settings


def drain(
    settings: Settings, region: str, report: Callable[[Progress], None], vet: Callable[[list[Landed]], None]
) -> Loaded:
    """:func:`ingestion.load.load_region`, whose every commit puts a small status snapshot and a line of the history in
    place, so that `romi status`, sensors and metrics answer while it holds the region's file.
    """

    def tell(con: duckdb.DuckDBPyConnection, done: Loaded) -> None:
        status.note_commit(con, settings, region, done.left.values())

    with history.measured() as span:
        loaded = load_region(settings, region, report, vet, tell)
    if loaded.archives:
        history.book_work(settings, "load", region, span.seconds, records=loaded.records, bytes=loaded.bytes)
    return loaded
