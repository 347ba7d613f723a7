"""What finance may expect, as a gate of publishing: (region, day)s whose rows are not as expected are withheld."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ingestion.books import region_file, transaction
from operations.finance_tables.published_tables import FINANCE, Table
from operations.publishing.closed_months import is_closed
from operations.publishing.region_marts import RegionState, held_back
from operations.store.versions import current_version, read_version_manifest, version_dir
from quality.expectations.process import examine
from settings import PermanentError, Settings, now
from settings.durable import write_json
from settings.features import CHECK

_UNFINISHED = ".examination-"

Days = dict[str, dict[date, str]]
# A suite that is no table is judged by the period of one.
_TABLE_OF = {"months_and_days": "romi_monthly", "months_and_orders": "romi_monthly",
             "segments_and_months": "romi_by_segment", "currencies_and_orders": "orders_by_currency",
             "days_and_costs": "romi_daily"}  # fmt: skip


def folder(settings: Settings) -> Path:
    """Where the last examination lies: ``verdict.json``, and the pages in ``data_docs``."""
    return settings.warehouse / "quality"


@dataclass
class Gate:
    """Examines a version before it is swapped in; the first look is the one that is kept and shown."""

    settings: Settings
    findings: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, version: int, built: Path, before: Path | None) -> Days:
        """The days to withhold by region, each with its reason; none where all is as expected.

        Raises:
            PermanentError: a blocking rule could not be examined, which is an error of ours.
        """
        place = folder(self.settings)
        place.mkdir(exist_ok=True)
        for left in place.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        # A name of its own, as the examination of a run that was killed may take a moment to end.
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=place) as unfinished:
            pages = Path(unfinished) / "data_docs"
            found = examine(built, before, pages, f"version {version}", now())
            found = [self._switched(one) for one in found]
            if not self.findings:
                self.findings = found
                self._keep(version, pages)
        if broken := [one["error"] for one in found if one["error"] and one["is_blocking"]]:
            raise PermanentError(f"version {version} was not published: {'; '.join(broken)}")
        return self._days(built, [one for one in found if one["is_blocking"]])

    def _switched(self, finding: dict[str, Any]) -> dict[str, Any]:
        """Without the places where its rule is off."""
        name = f"{CHECK}{finding['rule']}"
        places = [place for place in finding["places"] if self.settings.feature(name, place[0]) != "off"]
        return {**finding, "places": places}

    def _keep(self, version: int, pages: Path) -> None:
        place = folder(self.settings)
        last, gone = place / "data_docs", place / ".data_docs.old"
        shutil.rmtree(gone, ignore_errors=True)
        if last.exists():
            os.rename(last, gone)
        os.rename(pages, last)
        shutil.rmtree(gone, ignore_errors=True)
        verdict = place / "verdict.json"
        write_json(verdict, {"version": version, "at": now().isoformat(), "findings": self.findings})
        verdict.chmod(0o440)

    def _days(self, built: Path, findings: Iterable[dict[str, Any]]) -> Days:
        """Places as days of the regions' books; those that are held back already show rows of the version before.

        A closed month shows the rows of its lock, which no later rule can change.
        """
        manifest = read_version_manifest(built)
        states = {region: RegionState(**state) for region, state in manifest["regions"].items()}
        tables = {table.name: table for table in FINANCE}
        days: Days = {}
        for one in findings:
            table = tables[_TABLE_OF.get(one["suite"], one["suite"])]
            for region, period in one["places"]:
                if self.settings.feature(f"{CHECK}{one['rule']}", region) != "on":
                    continue  # in the shadow it is told, and withholds nothing
                first = date.fromisoformat(period)
                if is_closed(manifest["closes"], first):
                    continue
                if first not in held_back(self.settings, table, states[region]):
                    for day in known_days(self.settings, region, table, first):
                        days.setdefault(region, {}).setdefault(day, f"expectation failed: {one['rule']}")
        return days


def known_days(settings: Settings, region: str, table: Table, period: date) -> list[date]:
    """The built days of a period of `table`.

    Raises:
        PermanentError: there is none, so that nothing can be withheld.
    """
    last = "last_day($period::date)" if table.period == "month" else "$period::date"
    with region_file(settings, region, read_only=True) as con:
        known = con.execute(
            f"select day from ops.days where build > 0 and day between $period and {last} order by day",
            {"period": period},
        ).fetchall()
    if not known:
        raise PermanentError(f"{region} {period} is not as expected, and no day of it was built")
    return [day for (day,) in known]


def look_at_published(settings: Settings) -> list[dict[str, Any]]:
    """The findings on the whole current version; none before the first."""
    current = current_version(settings)
    if current is None:
        return []
    with tempfile.TemporaryDirectory() as place:
        return examine(version_dir(settings, current), None, Path(place) / "pages", f"version {current}", now())


def withhold(settings: Settings, days: Days) -> None:
    """Book the days as withheld until they are rebuilt; what withheld one already stands."""
    for region, reasons in days.items():
        with region_file(settings, region) as con, transaction(con):
            con.executemany(
                "update ops.days set withheld_reason = coalesce(withheld_reason, ?) where day = ?",
                [(reason, day) for day, reason in reasons.items()],
            )
