"""What the machine does to a run is told in a line."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
from collections import namedtuple

import duckdb
import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from operations import error_messages
from orchestration import pipeline
from orchestration.cli.main import main
from settings.durable import write_durably

Usage = namedtuple("Usage", "total used free")
FULL = "no space left on the disk of "


@pytest.mark.parametrize(
    ("error", "free", "told"),
    [
        (OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full")), 1 << 40, FULL),
        (OperationalError("insert", {}, sqlite3.OperationalError("disk I/O error")), 0, FULL),
        (OperationalError("insert", {}, sqlite3.OperationalError("disk I/O error")), 1 << 40, "unexpected Operat"),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 1 << 40, FULL),
        (PermissionError(errno.EACCES, "Permission denied", "/a/file"), 0, "Permission denied: /a/file"),
        (duckdb.IOException("Could not read enough bytes from file"), 1 << 40, "a database file cannot be read whole"),
        (KeyError("jane@example.com"), 0, "unexpected KeyError; ROMI_DEBUG=1 shows where"),
    ],
)
def test_what_the_machine_does_to_a_run_is_told_in_a_line(tmp_path, monkeypatch, error, free, told):
    def fail(*_, **__):
        raise error

    monkeypatch.delenv("ROMI_DEBUG", raising=False)
    monkeypatch.setattr(pipeline, "run", fail)
    monkeypatch.setattr(error_messages.shutil, "disk_usage", lambda _: Usage(1 << 41, 0, free))
    (tmp_path / "landing" / "eu").mkdir(parents=True)
    places = ["--landing", str(tmp_path / "landing"), "--warehouse", str(tmp_path / "w")]
    done = CliRunner().invoke(main, ["run", *places])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith(f"romi: {told}")


def test_a_command_that_sigterm_ends_says_so_in_a_line(tmp_path):
    ended = (
        "import os, signal, sys, time; from orchestration import pipeline; from orchestration.cli.main import entry;"
        "pipeline.run = lambda *_, **__: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(60));"
        "sys.argv = ['romi', 'run']; entry()"
    )
    (tmp_path / "landing" / "eu" / "events").mkdir(parents=True)
    found = subprocess.run([sys.executable, "-c", ended], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr.splitlines()[-1]) == (1, "romi: interrupted; run it again to go on")


def test_a_folder_in_the_place_of_a_file_is_named_with_what_to_do(tmp_path):
    (tmp_path / "confirmed.jsonl").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_durably(tmp_path / "confirmed.jsonl", "{}")
    told = error_messages.describe_error(caught.value)
    assert told.startswith("a folder stands where this file belongs; move it away")
    assert told.endswith(f": {tmp_path}/confirmed.jsonl")
    assert [one.name for one in tmp_path.iterdir()] == ["confirmed.jsonl"]
