"""A region's replica root: which copy of a landed file serves, and why."""

from __future__ import annotations

from dataclasses import replace

from ingestion.books import Failover
from ingestion.landing import Landed, discover, listed, listings, loading_order, lying
from ingestion.zone import File, file_sha256, zone
from settings import Settings, TransientError, UsageError
from settings.digests import sha256_of


def landed_copies(settings: Settings, region: str, *, afresh: bool = False) -> list[Landed]:
    """What has landed for a region, each file with its copy in the replica; and what only the replica has.

    Where the primary cannot be listed, the replica serves alone; where the replica cannot, the primary does, and
    :func:`replica_problem` says so.

    Args:
        afresh: list all of a bucket, as it is now (see :mod:`ingestion.listing`).

    Raises:
        UsageError: there is no landing zone.
        TransientError: it cannot be listed, and no replica can either.
    """
    try:
        copies = _replica(settings, region, afresh=afresh)
    except (UsageError, TransientError):
        copies = {}
    try:
        primary = discover(settings, region, afresh=afresh)
    except TransientError:
        if not copies:
            raise
        primary = []
    if not copies:
        return primary
    there = {one.name for one in primary}
    found = [replace(one, replica=copies[one.name].path) if one.name in copies else one for one in primary]
    found += [replace(one, replica=one.path, is_primary=False) for one in copies.values() if one.name not in there]
    return sorted(found, key=loading_order)


def replica_problem(settings: Settings, region: str) -> str | None:
    """Why the region's replica cannot or does not serve; None where it can, or there is none."""
    try:
        if (address := settings.region(region).replica) and (state := settings.feature("failover", region)) != "on":
            there = {one.name for one in discover(settings, region)}
            count = len(_copies(settings, region, address).keys() - there) if state == "shadow" else None
            lacks = "" if count is None else f"; {count:,} files are only there"
            return f"the replica of {region} does not serve, since failover is {state}{lacks}"
        _replica(settings, region)
    except (UsageError, TransientError) as error:
        return f"the replica of {region} cannot serve: {error}"
    return None


def _replica(settings: Settings, region: str, *, afresh: bool = False) -> dict[str, Landed]:
    """The replica's files by name. Its root is one of all regions, as the landing zone, or the region's own folder."""
    address = settings.region(region).replica
    if address is None or settings.feature("failover", region) != "on":
        return {}
    return _copies(settings, region, address, afresh=afresh)


def _copies(settings: Settings, region: str, address: str, *, afresh: bool = False) -> dict[str, Landed]:
    root = zone(address, None if afresh else listings(settings))
    folder = f"{region}/" if region in root.folders() else ""
    return {one.name: one for one in listed(settings, lying(root, folder)) if isinstance(one, Landed)}


def choose(landed: Landed) -> tuple[Landed, str, Failover | None]:
    """Which copy of a file to read, its SHA-256, and why it is the replica's, if it is.

    The replica serves where the primary is missing, cannot be read, or is the beginning of the replica's: cut short on
    its way. Which of two other contents is the right one, no checksum tells; the primary's stands while it is whole.

    Raises:
        TransientError: the file cannot be read, and there is no replica that can.
    """
    if not landed.is_primary:
        return of_replica(landed, "missing")
    try:
        sha256 = file_sha256(landed.path)
    except TransientError:
        if landed.replica is None:
            raise
        return of_replica(landed, "unreadable")
    whole = landed.replica.stat().st_size if landed.replica else 0
    if landed.replica and whole > landed.size and _sha256_of_start(landed.replica, landed.size) == sha256:
        return of_replica(landed, f"cut short, to {landed.size:,} of {whole:,} bytes")
    return landed, sha256, None


def of_replica(landed: Landed, why: str) -> tuple[Landed, str, Failover]:
    """The replica's copy under the primary's name and stamp, its SHA-256, and the failover to it.

    Raises:
        TransientError: it cannot be read.
    """
    assert landed.replica is not None
    sha256, stat = file_sha256(landed.replica), landed.replica.stat()
    return replace(landed, path=landed.replica), sha256, Failover(why, sha256, stat.st_size, stat.st_mtime_ns)


def _sha256_of_start(path: File, size: int) -> str:
    """Of a file's first bytes; empty where they cannot be read."""
    try:
        with path.open("rb") as file:
            return sha256_of(file, size)
    except (OSError, TransientError):
        return ""
