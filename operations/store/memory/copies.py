"""Whether files of a region are those of another, as after a region was renamed."""

from __future__ import annotations

from collections.abc import Iterable

from ingestion.landing import Landed
from ingestion.zone import file_sha256
from operations.store.memory.findings import Finding
from operations.store.memory.remembered import region_memory, remembered_regions
from settings import Settings


def counted_elsewhere(settings: Settings, region: str, landed: Iterable[Landed]) -> Finding | None:
    """Whether files that are about to be loaded are in the books of another region, under the same name.

    A region that was renamed would be published under both names, and its money twice.
    """
    memory = region_memory(settings, region)
    by_name = {one.name: one for one in landed if one.kind != "fx"}
    if not by_name or (memory is not None and memory.accepts_copies):
        return None
    for other in remembered_regions(settings):
        known = region_memory(settings, other)
        if other == region or known is None:
            continue
        same = [one for one in known.archives if one.name in by_name and one.kind != "fx"]
        same = [one for one in same if file_sha256(by_name[one.name].path).startswith(one.content)]
        if same:
            records = sum(one.records for one in same)
            return Finding(
                region, "copies",
                f"{len(same):,} of its files with {records:,} records are in the books of region {other}, such as"
                f" {same[0].name}: loaded here too, they would count twice, so nothing was loaded",
                f"if {other} was renamed, give it its old name again in the landing zone and in romi.yaml; if they do"
                f" belong to both, `romi accept-loss --region {region}`",
                len(same), records,
            )  # fmt: skip
    return None
