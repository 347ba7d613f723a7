"""Finding ten new archives among 1,000,000 in a bucket: requests and CPU seconds, against listing all of it.

The bucket is in memory and lists as S3 does, 1,000 objects a request; a request to a real one takes some 50 to 200 ms.
Both of Kafka Connect's layouts: eight partitions of a topic by hour for two years and a half, and without time folders.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingestion.listing import list_folder
from tests.ingestion.bucket import Bucket

_KEYS, _PARTITIONS, _AN_HOUR, _NEW = 1_000_000, 8, 6, 10
_END = datetime(2026, 3, 20, 12, tzinfo=UTC)


def run(folder: Path) -> None:
    os.environ["ROMI_NOW"] = _END.isoformat()
    for name, is_by_hour in (("by hour", True), ("flat", False)):
        bucket, book = Bucket(), folder / name
        each = _KEYS // _PARTITIONS
        for n in range(each):
            at = _END - timedelta(hours=(each - n) // _AN_HOUR)
            bucket.objects |= {_key(at, partition, n, is_by_hour): (1, at) for partition in range(_PARTITIONS)}
        bucket.put(_END)
        whole = _measured(bucket, book)
        bucket.put(_END, *(_key(_END, n % _PARTITIONS, each + n, is_by_hour) for n in range(_NEW)))
        new = _measured(bucket, book)
        assert new[2] == whole[2] + _NEW
        print(
            f"{name}: {_KEYS:,} archives, {_NEW} of them new: {new[0]} requests and {new[1]:.1f} s of CPU; all of them"
            f" listed: {whole[0]:,} requests and {whole[1]:.1f} s = {whole[0] / new[0]:.0f} x as many requests",
            flush=True,
        )


def _key(at: datetime, partition: int, offset: int, is_by_hour: bool) -> str:
    hour = f"year={at:%Y}/month={at:%m}/day={at:%d}/hour={at:%H}/" if is_by_hour else ""
    return f"topics/web/partition={partition}/{hour}web+{partition}+{offset:010}.json.gz"


def _measured(bucket: Bucket, book: Path) -> tuple[int, float, int]:
    """Requests, CPU seconds and objects listed."""
    bucket.requests, begun = 0, time.process_time()
    listed = len(list_folder(bucket.prefix, book))
    return bucket.requests, time.process_time() - begun, listed
