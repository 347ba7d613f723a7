"""What service levels of the whole warehouse are measured by: when its marts were confirmed, and a prober's reads."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from ingestion.parquet import no_glob
from quality.sli import local_day
from settings import Settings, now
from settings.durable import write_durably

# A line a publish that came through, whether or not there was anything new: which marts it found behind.
CONFIRMED = "books/confirmed.jsonl"
WHOLE = "(all)"  # the region of what concerns all of them
_EVERY = timedelta(minutes=5)
_KEPT_DAYS = 40
FRESH_DAYS = 10  # freshness is told anew of so many days; what was said of those before stands


def confirm(settings: Settings, stale: dict[str, list[str]]) -> None:
    """Book that a publish came through: by region the marts that it could not bring up to date.

    One of a few minutes ago that said the same is enough.
    """
    path, moment = settings.warehouse / CONFIRMED, now()
    lines = _lines(path)
    last = lines[-1] if lines else None
    if last and last["stale"] == stale and timedelta(0) <= moment - datetime.fromisoformat(last["at"]) < _EVERY:
        return
    since = (moment - timedelta(_KEPT_DAYS)).isoformat()
    kept = [one for one in lines if one["at"] >= since] + [{"at": moment.isoformat(), "stale": stale}]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(path, "".join(json.dumps(one, sort_keys=True) + "\n" for one in kept))


def add_warehouse_facts(con: duckdb.DuckDBPyConnection, settings: Settings, marts: list[str]) -> dict[str, list[str]]:
    """Add to the temporary table ``facts`` what is known of freshness and availability.

    Marts of a region that were confirmed at the same moments are measured once, under the name of the first.

    Returns:
        By `region.mart` of that first one, the names of all marts that share its facts.
    """
    groups = _freshness(con, settings, marts)
    books = [no_glob(path) for path in sorted((settings.warehouse / "probes").glob("*.jsonl")) if path.stat().st_size]
    if books:
        con.execute(
            f"""insert into facts
            select '{WHOLE}', 'availability', "at"::date, "at", 1, (not ok)::bigint, null
            from read_json(?, format = 'newline_delimited', ignore_errors = true,
                columns = {{'at': 'timestamp', 'ok': 'boolean'}})
            where "at" is not null and ok is not null""",
            [books],
        )
    return groups


def _freshness(con: duckdb.DuckDBPyConnection, settings: Settings, marts: list[str]) -> dict[str, list[str]]:
    confirmed: dict[tuple[str, str], list[float]] = defaultdict(list)
    for line in sorted(_lines(settings.warehouse / CONFIRMED), key=lambda one: one["at"]):
        at = datetime.fromisoformat(line["at"]).timestamp()
        for region, stale in line["stale"].items():
            for mart in set(marts) - set(stale):
                confirmed[region, mart].append(at)
    alike: dict[tuple[str, tuple[float, ...]], list[str]] = defaultdict(list)
    for (region, mart), moments in sorted(confirmed.items()):
        alike[region, tuple(moments)].append(mart)
    groups = {}
    for (region, same), names in alike.items():
        groups[f"{region}.{names[0]}"] = names
        ages = pl.DataFrame(_ages(np.array(same)), schema={"counted_at": pl.Datetime("us"), "value": pl.Float64})
        con.register("ages", ages.to_arrow())
        day = local_day(settings, region, "counted_at")
        con.execute(
            f"insert into facts select ?, ?, {day}, counted_at, 5, null, value from ages",
            [region, f"freshness_hours.{names[0]}"],
        )
        con.unregister("ages")
    return groups


def _ages(moments: Any) -> dict[str, Any]:
    """The age in hours at each five minutes since the first of `moments`, of the last days; events are minutes."""
    end, step = now().timestamp(), _EVERY.total_seconds()
    begin = max(moments[0], end - FRESH_DAYS * 86_400)
    slots = np.arange(np.ceil(begin / step) * step, end + 1, step)
    ages = (slots - moments[np.searchsorted(moments, slots, side="right") - 1]) / 3600
    return {"counted_at": [datetime.fromtimestamp(one, UTC).replace(tzinfo=None) for one in slots], "value": ages}


def _lines(path: Path) -> list[dict[str, Any]]:
    """What is booked; a line that somebody cut short stands for nothing, and the others measure freshness."""
    found = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found
