"""pandas is held off for a while, and comes in for whoever cannot do without it."""

from __future__ import annotations

import subprocess
import sys

HELD_OFF = """
import importlib.util, sys
import duckdb
from settings.without_pandas import let_pandas_in, without_pandas
with without_pandas():
    import pyarrow
    assert duckdb.execute("select ? + ?", [1, 2]).fetchone() == (3,)
    assert pyarrow.array(["a"]).to_pylist() == ["a"]
    print("pandas" in sys.modules)
    let_pandas_in()
    import pandas
    assert pandas.Series([1]).sum() == 1
    assert duckdb.execute("select ?", ["b"]).fetchone() == ("b",)
print("pandas" in sys.modules)
"""
AS_BEFORE = """
import sys
from settings.without_pandas import without_pandas
try:
    with without_pandas():
        raise ZeroDivisionError
except ZeroDivisionError:
    import pandas
print("pandas" in sys.modules)
"""


def said(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_query_with_parameters_and_an_array_bring_no_pandas_in_until_somebody_asks_for_it():
    assert said(HELD_OFF) == ["False", "True"]


def test_it_can_be_imported_afterwards_also_after_an_error():
    assert said(AS_BEFORE) == ["True"]
