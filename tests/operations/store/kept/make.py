"""Make a kept warehouse: a small shop as a release left it, with its landing zone, keys and configuration.

It needs nothing of this checkout, so that it runs with the packages of the release whose format it keeps:

    git worktree add /tmp/release v0.2.0
    PYTHONPATH=/tmp/release python tests/operations/store/kept/make.py tests/operations/store/kept/format_7.tar.xz

The archive of format 6 was made with commit 2b37200, that of format 8 with cc3cfc6.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from operations.sample_shop import config_yaml, write_landing

NOW = "2026-04-05T12:00:00Z"
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
CAMPAIGNS = ("Brand", "Generic - Running Shoes", None)
# Where the command line is has changed.
ROMI = """
try:
    from orchestration.cli.main import entry
except ModuleNotFoundError:
    from orchestration.cli import entry
entry()
"""
# What can be made anew, or is a journal: as in a backup.
LEFT_OUT = ("warehouse/dagster", "warehouse/dbt", "warehouse/staging", "warehouse/.lock")


def make(folder: Path) -> None:
    """A shop of two regions, one of whose customers was erased between two runs."""
    landing = folder / "landing"
    write_landing(landing, until=date(2026, 4, 3), days=36, events=300, regions=("eu", "us"))
    for region in ("eu", "us"):
        add_buyers(landing / region, random.Random(region))
    # An encrypted file cannot be packed small.
    (folder / "romi.yaml").write_text(f"{config_yaml()}\nprivacy: {{encryption_at_rest: false, k_anonymity: 3}}\n")
    romi(folder, "run")
    romi(folder, "dsar", "erase", "--user-id", "u-0", "--region", "eu", "--yes")
    romi(folder, "run")


def add_buyers(region: Path, chance: random.Random) -> None:
    """What the sample shop has little of in a small landing zone: orders, of which the ledger knows most."""
    events, ledger = [], []
    for person in range(120):
        visited = sorted(FIRST + timedelta(minutes=chance.randrange(33 * 1440)) for _ in range(chance.randint(1, 4)))
        campaigns = [chance.choice(CAMPAIGNS) for _ in visited]
        who = {"anonymousId": f"a-{person}", "userId": f"u-{person}"}
        events += [record(who, at, campaign) for at, campaign in zip(visited, campaigns, strict=True)]
        if person % 3 == 0:
            order, cents = f"{region.name}-{person}", chance.randint(900, 30_000)
            revenue, at = f"{cents // 100}.{cents % 100:02}", visited[-1] + timedelta(minutes=9)
            events.append(record(who, at, None, order, float(revenue)))
            if person % 5:
                ledger.append(f"{order},{at:%FT%TZ},completed,{revenue},0.00,{revenue[:-3]}.00,EUR,{at:%FT%TZ}")
    folder = region / "events" / "topics" / "web" / "partition=7"
    folder.mkdir(parents=True)
    text = "".join(json.dumps(one) + "\n" for one in events)
    (folder / "web+7+0000000000.json").write_text(text)
    header = "order_id,ordered_at,status,revenue,refunded,cogs,currency,updated_at"
    (region / "ledger" / "buyers.csv").parent.mkdir(exist_ok=True)
    (region / "ledger" / "buyers.csv").write_text("\n".join([header, *ledger, ""]))


def record(who: dict[str, str], at: datetime, campaign: str | None, order: str = "", revenue: float = 0) -> dict:
    """A page view, or the order that came of it."""
    consent = {"categoryPreferences": {"Analytics": True, "Advertising": True}}
    utm = {"source": "google", "medium": "cpc", "name": campaign} if campaign else {}
    common = {"messageId": f"{who['userId']}-{at:%d%H%M}-{order}", "timestamp": f"{at:%FT%TZ}", **who}
    if order:
        bought = {"order_id": order, "revenue": revenue, "currency": "EUR"}
        return {**common, "type": "track", "event": "Order Completed", "properties": bought,
                "context": {"consent": consent}}  # fmt: skip
    return {**common, "type": "page", "context": {"consent": consent, "campaign": utm}}


def romi(folder: Path, *command: str) -> None:
    subprocess.run(
        [sys.executable, "-c", ROMI, *command, "--json"],
        cwd=folder, check=True, env={**os.environ, "ROMI_NOW": NOW},
    )  # fmt: skip


def pack(folder: Path, archive: Path) -> None:
    def kept(one: tarfile.TarInfo) -> tarfile.TarInfo | None:
        one.uid = one.gid = 0
        one.uname = one.gname = ""
        return None if one.name in LEFT_OUT else one

    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name, filter=kept)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        make(Path(place))
        pack(Path(place), Path(sys.argv[1]))
