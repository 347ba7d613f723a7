"""For every test: how long an example of a property takes depends on the machine, so none fails for its time.

The fast suite runs as many processes as there are cores, so each keeps to one thread, looks for garbage seldom and
waits for no disk: what a file's sync guards against is a power cut, and none is tested. Of properties without a number
of examples of their own it tries fewer. `make test-all` takes all threads and all examples.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from typing import Any

import duckdb
import pytest
from hypothesis import settings

from tests.kit import shared
from tests.kit.examples import FAST

settings.register_profile("whole", deadline=None)
settings.register_profile(FAST, deadline=None, max_examples=30)


def pytest_configure(config: pytest.Config) -> None:
    shared.begin()
    is_fast = config.option.markexpr == "not slow"
    settings.load_profile(FAST if is_fast else "whole")
    if is_fast:
        gc.set_threshold(50_000, 20, 50)
        os.fsync = lambda _: None
        for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, "1")  # each is read when its library is imported, which is later
        _let_duckdb_keep_to_one_thread()


def _let_duckdb_keep_to_one_thread() -> None:
    connect = duckdb.connect

    def connect_with_one_thread(*place: Any, **how: Any) -> duckdb.DuckDBPyConnection:
        con = connect(*place, **how)
        with suppress(duckdb.Error):  # where its configuration is locked, that says how many
            con.execute("set threads = 1")
        return con

    duckdb.connect = connect_with_one_thread


@pytest.fixture
def real_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every build of the test is dbt's own."""
    from operations.rebuilding.engine import kept_builds

    monkeypatch.setattr(kept_builds, "find", lambda _: None)
