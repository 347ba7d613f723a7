"""`romi accept-loss`: from now on what is there is what must be there. It is booked who said so, and shown for good."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

from ingestion.books import region_file
from ingestion.landing import discover
from ingestion.records import naive_utc
from operations.closes.locks import give_up, lost
from operations.store.held_steps import hold
from operations.store.memory import marks
from operations.store.memory.copies import counted_elsewhere
from operations.store.memory.findings import Finding, of_region
from operations.store.memory.keeping import remember_open_file
from operations.store.memory.losses import lost_worth
from operations.store.memory.published import of_warehouse
from operations.store.memory.remembered import WAREHOUSE, changing, region_memory, write
from operations.store.memory.shapes import Loss, Memory, RegionMemory
from operations.store.versions import current_version, set_aside
from privacy.suppression_book import ForgottenError, SuppressionBook
from settings import RomiError, Settings, UsageError, now


def missing(settings: Settings, region: str | None) -> list[Finding]:
    """What would be given up of a region, or of what is published.

    Raises:
        UsageError: nothing of it is missing.
    """
    found = of_warehouse(settings) if region is None else [*of_region(settings, region), *_others(settings, region)]
    if not found:
        raise UsageError(f"nothing is missing of {f'region {region}' if region else 'what is published'}")
    return found


def _others(settings: Settings, region: str) -> list[Finding]:
    """Tombstones, which have a memory of their own, and files that another region has counted."""
    found = []
    try:
        SuppressionBook(settings.warehouse, region).load()
    except ForgottenError as error:
        what, _, mend = str(error).partition(": ")
        found.append(Finding(region, "tombstones", what, mend))
    except RomiError:
        pass
    with suppress(RomiError):
        if copies := counted_elsewhere(settings, region, discover(settings, region)):
            found.append(copies)
    return found


def accept(settings: Settings, region: str | None, by: str) -> Loss:
    """Book what is missing as lost and go on without it. The caller holds the warehouse.

    Raises:
        UsageError: nothing of it is missing.
    """
    found = missing(settings, region)
    return _accept_published(settings, found, by) if region is None else _accept_region(settings, region, found, by)


def _accept_region(settings: Settings, region: str, found: list[Finding], by: str) -> Loss:
    kinds = {one.kind for one in found}
    if "tombstones" in kinds:
        SuppressionBook(settings.warehouse, region).accept_loss()
    memory = region_memory(settings, region) or RegionMemory()
    changed: dict[str, Any] = {
        "books": marks.books(settings, region, memory.books), "keys": marks.key_fingerprints(settings, region),
        "is_closed": memory.is_closed or "removed" in kinds,
        "accepts_copies": memory.accepts_copies or "copies" in kinds,
    }  # fmt: skip
    path = settings.region_file(region)
    if "damaged_file" in kinds:  # nothing can be read of it, and it may hold persons' data
        for one in (path, path.with_name(f"{path.name}.wal")):
            one.unlink(missing_ok=True)
    if not path.exists():
        loss = _loss(
            found, by, memory.worth.orders if memory.worth else 0, memory.worth.revenue if memory.worth else None
        )
        if memory.identity:
            changed |= {"identity": "", "tip": -1, "digest": "", "archives": (), "expired": 0, "worth": None}
        write(settings, region, _with(memory, loss, changed))
        return loss
    with region_file(settings, region) as con:
        loss = _loss(found, by, *(lost_worth(con, memory) if kinds & {"new_file", "older_file"} else (0, None)))
        if "older_file" in kinds:
            hold(con)
        remember_open_file(con, settings, region, _with(memory, loss, changed))
    return loss


def _accept_published(settings: Settings, found: list[Finding], by: str) -> Loss:
    """A version that is lost is set aside, and the next one is published from the regions' files."""
    with changing(settings) as memory:
        loss = _loss(found, by, 0, None)
        if any(one.kind == "version" for one in found):
            set_aside(settings, memory.published or 0)
        for folder in lost(settings, memory.closes):
            give_up(folder)
        changed = {"published": current_version(settings), "pinned": None, "files": {}, "closes": {},
                   "books": marks.books(settings, None, memory.books)}  # fmt: skip
        write(settings, WAREHOUSE, _with(memory, loss, changed))
    return loss


def _with(memory: Memory, loss: Loss, changed: dict[str, Any]) -> Any:
    return memory.model_copy(update={**changed, "losses": (*memory.losses, loss)})


def _loss(found: list[Finding], by: str, orders: int, revenue: Decimal | None) -> Loss:
    return Loss(
        accepted_at=naive_utc(now()), accepted_by=by, what="; ".join(one.what for one in found),
        archives=sum(one.archives for one in found), records=sum(one.records for one in found), orders=orders,
        revenue=revenue or Decimal(0),
    )  # fmt: skip
