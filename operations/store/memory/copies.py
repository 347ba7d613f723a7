"""Whether files of a region are those of another, as after a region was renamed."""

from __future__ import annotations

from collections.abc import Iterable

from ingestion.landing import Landed
from ingestion.zone import file_sha256, zone
from operations.store.memory.findings import Finding
from operations.store.memory.remembered import region_memory, remembered_regions
from operations.store.memory.shapes import Archive, RegionMemory
from settings import Settings


def counted_elsewhere(settings: Settings, region: str, landed: Iterable[Landed]) -> Finding | None:
    """Whether files that are about to be loaded are in the books of another region, under the same name.

    A region that was renamed would be published under both names, and its money twice. Its files may have grown since:
    those of a region that is new, under the names of one that is gone, are taken for that one's, too.
    """
    memory = region_memory(settings, region)
    by_name = {one.name: one for one in landed if one.kind != "fx"}
    if not by_name or (memory is not None and memory.accepts_copies):
        return None
    is_new = memory is None or memory.worth is None
    for other in remembered_regions(settings):
        known = region_memory(settings, other)
        if other == region or known is None:
            continue
        alike = [one for one in known.archives if one.name in by_name and one.kind != "fx"]
        if same := [one for one in alike if file_sha256(by_name[one.name].path).startswith(one.content)]:
            return _copies(region, other, same)
        if alike and is_new and (where := _gone_from(settings, other, known)):
            return _of_one_that_is_gone(region, other, alike, where)
    return None


def _gone_from(settings: Settings, region: str, memory: RegionMemory) -> str | None:
    """Where a region that was published and never given up is no more."""
    if memory.is_closed or memory.worth is None:
        return None
    if settings.regions is not None:
        return None if region in settings.regions else "in the configuration"
    return None if region in zone(settings.landing).folders() else "in the landing zone"


def _copies(region: str, other: str, same: list[Archive]) -> Finding:
    records = sum(one.records for one in same)
    return Finding(
        region, "copies",
        f"{len(same):,} of its files with {records:,} records are in the books of region {other}, such as"
        f" {same[0].name}: loaded here too, they would count twice, so nothing was loaded",
        f"{_old_name(other)}; if they do belong to both, `romi accept-loss --region {region}`",
        len(same), records,
    )  # fmt: skip


def _of_one_that_is_gone(region: str, other: str, alike: list[Archive], where: str) -> Finding:
    return Finding(
        region, "copies",
        f"{len(alike):,} of its files have the names of files in the books of region {other}, such as {alike[0].name},"
        f" and {other} is not {where} any more: if it was renamed, they would count twice, so nothing was loaded",
        f"{_old_name(other)}; if {region} is a region of its own, `romi accept-loss --region {region}`",
        len(alike),
    )  # fmt: skip


def _old_name(other: str) -> str:
    return f"if {other} was renamed, give it its old name again in the landing zone and in romi.yaml"
