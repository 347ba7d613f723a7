"""Which mutants of the models the tests of dbt notice: `python -m tests.mutation.judge --help`.

The tests are run once, after which their builds are replayed (`operations/rebuilding/engine/replaying.py`); then, for
each mutant, those that build its model are run in a process forked from that one, where the model's statements are
changed on their way to DuckDB. The first test that fails has noticed it. A mutant that DuckDB cannot bind is none.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

from tests.mutation.mutants import Mutant, model_of, mutants_of, mutated

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("attribution", "fx", "orders", "payback", "privacy", "spend")  # of money, attribution and privacy
_LONGEST = 240  # seconds; of a mutant that keeps the tests from ending nothing is known
_NOT_A_QUERY = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
SURVIVED, KILLED, STILLBORN, UNREACHED, ENDLESS = 0, 1, 3, 4, -signal.SIGALRM
_TOLD = {SURVIVED: "SURVIVED", KILLED: "noticed", UNREACHED: "NOT REACHED", ENDLESS: "NO END"}


@dataclass
class Watch:
    """What the tests build: of each model its statements, and the tests that build it."""

    statements: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    builders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # files of tests, by model
    seconds: dict[str, float] = field(default_factory=dict)  # by test
    mutant: Mutant | None = None
    is_stillborn: bool = False
    is_reached: bool = False
    at: str = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.at, begun = item.nodeid, time.monotonic()
        found = yield
        self.seconds[item.nodeid] = time.monotonic() - begun
        return found

    def sent(self, cursor: Any, sql: str, bindings: Any = None) -> Any:
        """What takes the place of a cursor's `execute`."""
        model = model_of(sql)
        if model and self.mutant is None:
            self.statements[model].add(sql)
            self.builders[model].add(self.at.partition("::")[0])
        if model is None or self.mutant is None or model != self.mutant.model:
            return _execute(cursor, sql, bindings)
        changed = mutated(sql, self.mutant)
        self.is_reached = self.is_reached or changed != sql
        try:
            return _execute(cursor, changed, bindings)
        except _NOT_A_QUERY:
            self.is_stillborn = self.is_stillborn or changed != sql
            raise


_execute = DuckDBCursorWrapper.execute


def known(watch: Watch, models: set[str]) -> list[Mutant]:
    """All mutants of the statements that were seen."""
    found = {
        mutant
        for model in models & watch.statements.keys()
        for sql in watch.statements[model]
        for mutant, *_ in mutants_of(model, sql)
    }
    return sorted(found)


def run(watch: Watch, tests: list[str], *options: str) -> int:
    """pytest's exit code."""
    given = [*tests, "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "-m", "not slow", *options]
    return int(pytest.main(given, plugins=[watch]))


def judged(watch: Watch, mutant: Mutant, tests: list[str]) -> int:
    """What becomes of a mutant, told by a process of its own."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(_LONGEST)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    watch.mutant = mutant
    is_noticed = run(watch, tests, "-x") != 0
    os._exit(STILLBORN if watch.is_stillborn else KILLED if is_noticed else SURVIVED if watch.is_reached else UNREACHED)


def models_of() -> set[str]:
    """The models that are mutated."""
    folders = [ROOT / "dbt_project/models/intermediate" / room for room in ROOMS]
    folders.append(ROOT / "dbt_project/models/marts/finance")
    return {path.stem for folder in folders for path in folder.rglob("*.sql")}


@click.command()
@click.option("--sample", default=100, show_default=True, help="How many mutants are tried; 0 for all.")
@click.option("--seed", default=1, show_default=True, help="Which ones.")
@click.option("--model", "only", multiple=True, help="Only those of this model; may be given several times.")
@click.option("--at-least", default=90, show_default=True, help="The share in percent below which it exits with 1.")
@click.option("--tests", "where", default="tests/dbt", show_default=True, help="The tests that are to notice them.")
def main(sample: int, seed: int, only: tuple[str, ...], at_least: int, where: str) -> None:
    """Print each mutant with its fate, and the share that is noticed."""
    noticed, living = of_sample(sample, seed, set(only) or models_of(), where)
    sys.exit(0 if 100 * noticed >= at_least * living else 1)


def of_sample(sample: int, seed: int, models: set[str], where: str) -> tuple[int, int]:
    """How many mutants of a sample are noticed, and how many could be; each is printed with its fate."""
    watch = Watch()
    DuckDBCursorWrapper.execute = lambda *given: watch.sent(*given)  # type: ignore[method-assign]
    if run(watch, [where]):
        raise SystemExit("The tests fail without any mutant.")
    mutants = known(watch, models)
    chosen = random.Random(seed).sample(mutants, min(sample or len(mutants), len(mutants)))
    found: Counter[int] = Counter()
    for number, mutant in enumerate(chosen, 1):
        files = watch.builders[mutant.model]
        tests = sorted((one for one in watch.seconds if one.partition("::")[0] in files), key=watch.seconds.__getitem__)
        fate = judged(watch, mutant, tests)
        found[fate if fate in (*_TOLD, STILLBORN) else KILLED] += 1  # one that brings the process down is noticed
        if fate != STILLBORN:
            click.echo(f"{number} of {len(chosen)}, {_TOLD.get(fate, 'noticed')}: {mutant}")
    living = sum(found.values()) - found[STILLBORN]
    click.echo(f"{found[KILLED]} of {living} mutants are noticed, of {len(mutants)} that are known;"
               f" {found[STILLBORN]} more are no queries.")  # fmt: skip
    return found[KILLED], living


if __name__ == "__main__":
    main()
