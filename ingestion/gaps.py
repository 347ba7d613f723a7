"""What the landing zone never had: offsets that did not come."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from ingestion.books import meta, put_meta
from ingestion.landing import NO_PARTITION
from settings import Settings

_SPARSE = "sparse_topics"
# Of a transactional or compacted topic some offsets have no record: markers of commits, and what was replaced later.
CONTIGUOUS = f"""topic not in (
    select unnest(from_json(value, '["VARCHAR"]')) from ops.meta where key = '{_SPARSE}')"""

# From when to when an archive's records are, those that retention has disposed of included.
ARCHIVE_SPANS = """
    select archive_id, min(earliest) as earliest, max(latest) as latest from (
        select archive_id, coalesce(received_at, occurred_at) as earliest, earliest as latest from raw.events
        union all select archive_id, earliest, latest from ops.archive_spans
    ) group by archive_id"""

# An overlap is a redelivery, so a hole begins only beyond the furthest offset reached before.
OFFSETS_REACHED = f"""
    select archive_id, topic, partition, start_offset, max(start_offset + records) over (
        partition by topic, partition
        order by start_offset, records rows between unbounded preceding and 1 preceding
    ) as offset_before
    from ops.archives where kind = 'events' and state in ('loaded', 'forgotten') and partition <> {NO_PARTITION}
        and {CONTIGUOUS}"""
_HOLES = f"""
    select topic, partition, sum(start_offset - offset_before)::bigint
    from ({OFFSETS_REACHED}) where start_offset > offset_before group by all order by all"""


def note_sparse_topics(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Keep in the region's books whose holes are no loss, as the configuration says now."""
    sparse = json.dumps(sorted(name for name, topic in settings.topics.items() if topic.offsets == "sparse"))
    if sparse != (meta(con, _SPARSE) or "[]"):
        put_meta(con, _SPARSE, sparse)


def known_loss(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """How many records are missing between the loaded archives of each partition; none where nothing is.

    What came before a partition's first archive or comes after its last is no hole. Layouts without offsets have none.
    """
    found = con.execute(_HOLES).fetchall()
    return [{"topic": topic, "partition": partition, "records": records} for topic, partition, records in found]
