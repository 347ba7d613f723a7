"""`romi probe`: what is published, read as finance does, and booked."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from settings import load_settings


@click.option("--every", type=click.FloatRange(min=0), help="Repeat every so many seconds, until interrupted.")
@click.option("--count", type=click.IntRange(min=1), help="With --every: stop after so many probes.")
def probe_published(
    config: Path | None, warehouse: Path | None, as_json: bool, every: float | None, count: int | None
) -> int:
    """Read what is published as finance does, and record whether it was there. Fails if it was not."""
    from operations.service_levels.probe import probe
    from operations.store.locks import check_warehouse

    settings = load_settings(config, warehouse=warehouse)
    check_warehouse(settings)
    done = failed = 0
    while True:
        found = probe(settings)
        done, failed = done + 1, failed + (not found.ok)
        is_last = every is None or done == count
        if not as_json and (is_last or not found.ok):
            said = f"version {found.version} read in {found.ms:.0f} ms" if found.ok else f"not there: {found.reason}"
            click.echo(f"{found.at} {said}")
        if is_last:
            break
        time.sleep(every or 0)
    if as_json:
        click.echo(json.dumps({**asdict(found), "probes": done, "failed": failed, "exit_code": int(failed > 0)}))
    return int(failed > 0)
