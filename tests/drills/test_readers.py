"""Whoever reads what is published gets no error and one version, whatever happens to the writers."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from settings import Region, Settings
from tests.drills.nursery import ROOT, Nursery

# Every version has one revenue in all tables and both regions, so that a mixed one shows.
WRITER = """
from pathlib import Path
from operations.publishing.publish import publish
from operations.store.rollback import rollback, unpin
from operations.store.versions import version_ids
from settings import Region, Settings
from tests.operations.marts import build
"""
READER = """
import collections, json, os, sys
from pathlib import Path
import duckdb
from operations.service_levels.probe import look
from settings import Settings
settings, reads = Settings(warehouse=Path(sys.argv[1])), int(sys.argv[2])
locked = {"enable_external_access": False, "lock_configuration": True, "threads": 1}
seen, wrong = set(), collections.Counter()
for number in range(reads):
    try:
        folder = settings.published.resolve()
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True, config=locked) as con:
            found = con.execute('''select list(distinct version) from meta.versions
                union all select list(distinct revenue::int) from (
                    select revenue from finance.orders_daily union all select revenue from finance.romi_daily
                    union all select ledger_revenue from finance.reconciliation_daily)''').fetchall()
        (versions,), (revenues,) = found
        if versions != [int(folder.name)] or len(revenues) != 1:
            wrong[f"mixed: {folder.name} has {versions} and {revenues}"] += 1
        seen.add((versions[0], revenues[0]))
        if number % 25 == 0 and not (whole := look(settings)).ok:
            wrong[whole.reason] += 1
    except Exception as error:
        wrong[f"{type(error).__name__}: {error}"] += 1
if len({version for version, _ in seen}) != len(seen):
    wrong["a version changed"] += 1
print(json.dumps({"wrong": wrong, "versions": len(seen)}))
"""


def _read(settings: Settings, reads: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", READER, str(settings.warehouse), str(reads)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize(("reads", "versions"), [(150, 2), pytest.param(15_000, 20, marks=pytest.mark.slow)])
def test_readers_get_one_version_and_no_error_through_builds_publishes_rollbacks_and_kills(tmp_path, reads, versions):
    settings = Settings(warehouse=tmp_path / "warehouse", regions={"eu": Region(), "us": Region()})
    made = (
        f'settings = Settings(warehouse=Path({str(settings.warehouse)!r}), regions={{"eu": Region(), "us": Region()}})'
    )
    rng, number, killed = random.Random(reads), 1, 0
    both = "for region in ('eu', 'us'): build(settings, region, {})"
    with Nursery(WRITER) as nursery:
        status, seconds = nursery.run(f"{made}\n{both.format(1)}\npublish(settings)")
        assert status == 0
        readers = [_read(settings, reads) for _ in range(2)]
        while any(one.poll() is None for one in readers):
            number += 1
            step = f"{made}\nunpin(settings)\n{both.format(number)}\npublish(settings)"
            if number % 5 == 0:
                step = f"{made}\nrollback(settings, version_ids(settings)[-2])"
            # Publishing comes last, so most kills fall into it.
            status, _ = nursery.run(step, rng.uniform(0.4, 1.1) * seconds if number % 2 else None)
            killed += status == -9
            assert status in (0, -9)
    # The last line: DuckDB shows how far it is where a machine makes it slow.
    told = [json.loads(one.communicate()[0].splitlines()[-1]) for one in readers]
    assert [one["wrong"] for one in told] == [{}, {}]
    assert min(one["versions"] for one in told) >= versions
    assert killed
