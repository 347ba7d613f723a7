"""How the warehouse stands, as Prometheus reads it: a text of metrics, and the file for its textfile collector.

Labels are regions, fates, service levels and kinds of incidents; no metric has a person, an order or a campaign.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from operations import forecast, status
from operations.backups import backup_book
from operations.incidents import book
from operations.service_levels import usual_revenue
from operations.service_levels.slo_facts import WHOLE
from operations.store.versions import current_version
from settings import Settings, now
from settings.durable import write_durably

_PREFIX = "romi_"
Sample = tuple[str, str, dict[str, str], float | None]  # name, help, labels, value


def metrics_file(settings: Settings) -> Path:
    """Where the text is written at each commit."""
    return settings.monitoring.textfile or settings.warehouse / "status" / "romi.prom"


def write(settings: Settings) -> None:
    """Put the text into place, of the snapshots alone, so that it costs no query.

    Raises:
        OSError: it cannot be written.
    """
    path = metrics_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    regions = {one["region"]: one for one in status.snapshots(settings)}
    write_durably(path, as_text(settings, regions, {}), mode=0o644)


def as_text(settings: Settings, regions: dict[str, dict[str, Any]], levels: dict[str, Any]) -> str:
    """The metrics in Prometheus' text format.

    Args:
        regions: the snapshots by region, as `romi status --json` has them.
        levels: service levels of the warehouse as a whole.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    gauges: dict[str, Any] = {}
    for name, meaning, labels, value in [*_of_regions(regions, levels), *_of_warehouse(settings, regions)]:
        if value is None:
            continue
        if name not in gauges:
            gauges[name] = Gauge(f"{_PREFIX}{name}", meaning, list(labels), registry=registry)
        (gauges[name].labels(**labels) if labels else gauges[name]).set(value)
    return generate_latest(registry).decode()


def _of_regions(regions: dict[str, dict[str, Any]], levels: dict[str, Any]) -> Iterator[Sample]:
    for region, one in regions.items():
        at = {"region": region}
        for kind, states in one["archives"].items():
            for state, count in states.items():
                yield "archives", "Files in the books.", {**at, "kind": kind, "state": state}, count
        for fate, count in one["records"].items():
            if fate != "read":
                reasons = count if isinstance(count, dict) else {"": count}
                for reason, records in reasons.items():
                    yield "records", "Records by fate.", {**at, "fate": fate, "reason": reason}, records
        backlog = one["backlog"]
        for name, meaning in (
            ("archives", "Archives that wait to be loaded."), ("bytes", "Bytes that wait to be loaded."),
            ("oldest_age_seconds", "Age of the oldest archive that waits."),
            ("arrived_records_24h", "Records that arrived within a day."),
            ("drained_records_24h", "Records that were loaded within a day."),
        ):  # fmt: skip
            yield f"backlog_{name}", meaning, at, backlog.get(name)
        yield "pending_windows", "Windows of days that wait to be rebuilt.", at, len(one["pending"])
        yield "withheld_days", "Days that a check holds back.", at, len(one["withheld"])
        yield "snapshot_written_at_seconds", "When this was last told, in Unix time.", at, _seconds(one["written_at"])
        yield from _of_levels(region, one["slo"])
    yield from _of_levels(WHOLE, levels)


def _of_levels(region: str, levels: dict[str, Any]) -> Iterator[Sample]:
    for slo, level in levels.items():
        labels = {"region": region, "slo": slo}
        for name, meaning in (
            ("objective", "What is promised."), ("achieved", "What was achieved as of the last day."),
            ("error_budget_left", "Share of the error budget that is left."),
        ):  # fmt: skip
            yield f"slo_{name}", meaning, labels, level.get(name)
        for window in ("1h", "6h", "3d"):
            rate = level.get(f"burn_rate_{window}")
            yield "slo_burn_rate", "How many times too fast the budget burns.", {**labels, "window": window}, rate


def _of_warehouse(settings: Settings, regions: dict[str, dict[str, Any]]) -> Iterator[Sample]:
    live = Counter((one.kind.value, one.severity) for one in book.live(settings))
    for (kind, severity), count in sorted(live.items()):
        yield "incidents_open", "Incidents that are not over.", {"kind": kind, "severity": severity}, count
    yield "incidents_live", "Incidents that are not over, of any kind.", {}, sum(live.values())
    yield "published_version", "The version that readers see.", {}, current_version(settings)
    backup = backup_book.summary(settings)
    yield "backup_age_seconds", "Age of the last backup that came back.", {}, backup["recovery_point_seconds"]
    yield "recovery_time_seconds", "What the last trial restore took.", {}, backup["recovery_time_seconds"]
    hours = usual_revenue.of_snapshots(list(regions.values()))
    for region, usual in hours.items():
        cents = usual_revenue.cents_a_minute([usual], now())
        meaning = "Revenue that this hour of the week usually brings a minute, in cents."
        yield "usual_revenue_cents_per_minute", meaning, {"region": region}, cents
    found = forecast.forecast(settings, [one.get("growth") or {} for one in regions.values()])
    for name in ("events_a_day", "bytes_a_day", "bytes", "free_bytes"):
        yield f"capacity_{name}", "Of events and the disk.", {}, found[name]
    if day := found["stops_fitting_on"]:
        yield "capacity_stops_fitting_at_seconds", "When the disk stops fitting, in Unix time.", {}, _seconds(day)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
