"""A small warehouse that is loaded, remembered and published as a run would, without dbt."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestion.books import region_file
from ingestion.landing import discover
from ingestion.load import load_region
from operations.publishing.publish import publish
from operations.store.locks import exclusive
from operations.store.memory.keeping import refuse_copies, refuse_lost_state, settle_load
from privacy.line_book import LineBook
from settings import Region
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import NOW
from tests.kit.prebuilt import copy_of
from tests.operations import marts

START, JUNE = f"{NOW.isoformat()}Z", "2026-06-02T00:00:00Z"


class Shop(Zone):
    """Region eu; the figures are those of :mod:`tests.operations.marts`."""

    def __init__(self, folder: Any, region: str = "eu", **settings: Any) -> None:
        super().__init__(folder, region, **settings)
        with exclusive(self.settings):
            pass

    @classmethod
    def ran(cls, folder: Path, archives: int = 1, regions: tuple[str, ...] = (), at: str = START) -> Shop:
        """One of so many archives that ran once, with the keys of :func:`tests.ingestion.conftest.clock`."""
        copy_of(_run_once, folder, archives, regions, at)
        return cls(folder, **_settings(regions))

    def land(self, number: int, records: int = 3) -> None:
        """An archive of which every record is a page view of its own."""
        consent = {"consent": {"categoryPreferences": {"Analytics": True}}}
        page = {"type": "page", "anonymousId": "a-1", "timestamp": "2026-03-01T10:00:00Z", "context": consent}
        lines = [{"messageId": f"m-{number}-{one}", **page} for one in range(records)]
        self.archive(*lines, start=number * 100)

    def prune(self, number: int) -> None:
        """Upstream removes an archive."""
        for path in self.landing.rglob(f"*+{number * 100:010d}.json"):
            path.unlink()

    def ingest(self) -> None:
        """The asset's steps."""
        refuse_lost_state(self.settings, self.region, loads=True)
        vet = partial(refuse_copies, self.settings, self.region)
        if not self.file.exists():
            vet(discover(self.settings, self.region))
        load_region(self.settings, self.region, vet=vet)
        with region_file(self.settings, self.region) as con:
            settle_load(con, self.settings, self.region)

    def run(self, revenue: int = 100) -> None:
        self.ingest()
        marts.build(self.settings, self.region, revenue=revenue)
        self.publish()

    def publish(self) -> Any:
        return publish(self.settings, clock=lambda: marts.NOW)

    @property
    def file(self) -> Any:
        return self.settings.region_file(self.region)

    def revenue(self) -> dict[date, int]:
        return marts.revenue_by_day(self.settings, self.region)

    def write_book(self, *numbers: int, name: str = "requests") -> Any:
        path = self.warehouse / "books" / self.region / f"{name}.jsonl"
        LineBook(path, self.region).append(*({"number": one} for one in numbers))
        return path


def _settings(regions: tuple[str, ...]) -> dict[str, Any]:
    return {"regions": {name: Region() for name in regions}} if regions else {}


def _run_once(folder: Path, archives: int, regions: tuple[str, ...], at: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", at)
        shop = Shop(folder, **_settings(regions))
        for number in range(1, archives + 1):
            shop.land(number)
        shop.run()
