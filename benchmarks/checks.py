"""What checks, and small cells, take of `romi run` on new events, and publishing against copying what it published.

Checks are dbt's tests, the books, the reconciliation, what is unusual, Great Expectations (as long as publishing waits
for them), the audit of the version and the service levels. Their time is that of the run's own process, inside the run.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import process
from benchmarks.ingest import UNTIL
from operations import sample_shop

# Where each is looked up when it is called.
CHECKS = {
    "books": ("orchestration.defs.ingest.assets.book_checks", "operations.rebuilding.rebuild.unbalanced_archives"),
    "reconciliation": ("operations.rebuilding.rebuild.reconcile",),
    "what is unusual": ("operations.rebuilding.rebuild.book_anomalies",),
    "expectations": ("operations.publishing.expectation_gate.examine",),
    "audit of the version": ("operations.publishing.publish.audit",),
    "service levels": ("operations.publishing.publish.fill_slos", "operations.service_levels.shown.region_levels"),
}
CELLS = "steps of small cells and their proof"
_PARTS = ("currencies", "cohorts", "fates")  # what divides a month steps as well
_CELL_MODELS = (
    "int_privacy__steps", "int_privacy__published_credits", "int_privacy__proofs", "int_privacy__currency_steps",
    "int_privacy__cohort_steps", "int_privacy__fate_steps", *(f"int_privacy__published_{name}" for name in _PARTS),
)  # fmt: skip
_PUBLISH = ("operations.publishing.publish.publish", "operations.publishing.publish.put_in_place")
_CODE = "from benchmarks.checks import run_and_tell; run_and_tell(*argv)"


def run(folder: Path, events: int) -> None:
    """Make a shop, run it in a process of its own, and print the shares."""
    sample_shop.write_landing(folder / "landing", until=UNTIL, days=30, events=events, regions=("eu",), dirt=0)
    (folder / "romi.yaml").write_text(sample_shop.config_yaml())
    cost = process.run(_CODE, str(folder))
    assert cost
    spent: dict[str, float] = json.loads(cost.said.splitlines()[-1])
    total = spent.pop("run")
    cells = spent.pop(CELLS, 0.0)
    published = {name: spent.pop(name) for name in ("publish", "put_in_place")}
    print(f"romi run on {events:,} new events, without imports: {total:.1f} s")
    for name, seconds in sorted(spent.items(), key=lambda one: -one[1]):
        print(f"  {name}: {seconds:.2f} s = {seconds / total:.1%}")
    share = sum(spent.values()) / total
    print(f"all checks: {sum(spent.values()):.1f} s = {share:.1%} of it (aim: at most 25%)", flush=True)
    print(f"{CELLS}: {cells:.1f} s = {cells / total:.1%} of it (aim: at most 10%)", flush=True)
    copied = min(_copy(folder) for _ in range(5))
    print(f"copying what is published: {copied:.3f} s")
    without = published["publish"] - sum(spent[name] for name in ("expectations",))
    print(f"publish without expectations: {without:.2f} s = {without / copied:.1f} x (aim: at most 2)")
    print(f"the swap alone: {published['put_in_place']:.3f} s = {published['put_in_place'] / copied:.1f} x")
    rewritten = min(_rewrite(folder) for _ in range(5))
    times = without / rewritten
    print(f"writing the same rows anew with DuckDB alone: {rewritten:.2f} s; publish is {times:.1f} x that", flush=True)


def _copy(folder: Path) -> float:
    """Seconds to copy the published version, onto the disk."""
    target = folder / "copy"
    shutil.rmtree(target, ignore_errors=True)
    begun = time.perf_counter()
    shutil.copytree((folder / "warehouse" / "published").resolve(), target)
    _sync(target)
    return time.perf_counter() - begun


def _rewrite(folder: Path) -> float:
    """Seconds for DuckDB to write the published files' rows to new ones, as databases and as Parquet, onto the disk.

    That is the least of a version that must hold no byte of what the one before it held.
    """
    published, target = (folder / "warehouse" / "published").resolve(), folder / "copy"
    shutil.rmtree(target, ignore_errors=True)
    (target / "parquet").mkdir(parents=True)
    begun = time.perf_counter()
    for name in ("marts", "released"):
        with duckdb.connect() as con:
            con.execute(f"attach '{published / f'{name}.duckdb'}' as old (read_only)")
            con.execute(f"attach '{target / f'{name}.duckdb'}' as new; copy from database old to new")
            tables = "select schema_name, table_name from duckdb_tables() where database_name = 'new'"
            for schema, table in con.execute(tables).fetchall():
                file = target / "parquet" / f"{name}.{schema}.{table}.parquet"
                con.execute(f"copy new.{schema}.{table} to '{file}' (format parquet, compression zstd)")
    _sync(target)
    return time.perf_counter() - begun


def _sync(folder: Path) -> None:
    for path in [one for one in folder.rglob("*") if one.is_file()]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def run_and_tell(folder: str) -> None:
    """In the measured process: the run, and as JSON the seconds that each kind of check took."""
    from operations.rebuilding.engine.on_duckdb import OnDuckDB
    from orchestration import jobs, pipeline
    from settings import load_settings

    jobs.definitions()
    spent: Counter[str] = Counter()
    for name, places in {**CHECKS, **{place.rpartition(".")[2]: (place,) for place in _PUBLISH}}.items():
        for place in places:
            _time(place, name, spent)
    build = OnDuckDB.build

    def build_and_hear(*arguments: Any, **named: Any) -> Any:
        *others, on_event = arguments

        def hear(event: dict[str, Any]) -> None:
            if event["info"]["name"] == "LogTestResult":
                spent["dbt tests"] += float(event["data"]["execution_time"])
            if event["info"]["name"] == "LogModelResult" and event["data"]["node_info"]["node_name"] in _CELL_MODELS:
                spent[CELLS] += float(event["data"]["execution_time"])
            on_event(event)

        return build(*others, hear, **named)

    OnDuckDB.build = build_and_hear  # type: ignore[method-assign]
    root = Path(folder)
    settings = load_settings(root / "romi.yaml", landing=str(root / "landing"), warehouse=root / "warehouse")
    begun = time.perf_counter()
    outcome = pipeline.run(settings, root / "romi.yaml")
    print("\n" + json.dumps({**spent, "run": time.perf_counter() - begun}))
    assert outcome.exit_code == 0, outcome


def _time(place: str, name: str, spent: Counter[str]) -> None:
    """Have a function's seconds counted, wherever its module calls it."""
    module, _, function = place.rpartition(".")
    inner: Callable[..., Any] = getattr(import_module(module), function)

    def timed(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return inner(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - begun

    setattr(import_module(module), function, timed)
