"""Two `romi run` started at once on one warehouse take turns, each says that it waits, and the books hold."""

import os
import re
import subprocess
import sys

import pytest

from operations.store.locks import exclusive
from settings import Settings
from tests.end_to_end.conftest import order, page

WAITS = re.compile(
    rf"another run \(process {os.getpid()}, since [-0-9]+ [:0-9]+ UTC\) holds the warehouse; waiting for it\n"
)


def start(shop):
    command = [sys.executable, "-m", "orchestration.cli.main", "run", "--landing", str(shop.landing)]
    return subprocess.Popen(
        [*command, "--warehouse", str(shop.warehouse)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def first_word(process):
    """The line that says it waits; what else is on standard error before it is passed over."""
    return next((line for line in process.stderr if WAITS.fullmatch(line)), None)


@pytest.mark.slow  # tests/operations/store/test_lock.py holds turns and words
def test_two_runs_at_once_take_turns_and_the_books_hold(shop):
    for start_offset in range(0, 40, 10):
        made = [page(f"m{start_offset + n}", "2026-03-01T10:00:00Z") for n in range(10)]
        shop.archive("eu", start_offset, [*made, order(f"o{start_offset}", "2026-03-02T10:00:00Z", "o-1", 5), "{"])
    with exclusive(Settings(warehouse=shop.warehouse)):
        runs = [start(shop), start(shop)]
        assert all(first_word(run) for run in runs)
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    for once in ("published version 1", "nothing new", "keys made"):
        assert sorted(once in text for text in said) == [False, True], once
    _, status = shop.romi("status")
    books = status["records"]
    assert (books["read"], books["loaded"], books["dead_letter"]) == (48, 44, {"malformed_json": 4})
