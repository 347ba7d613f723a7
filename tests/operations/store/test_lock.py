import subprocess
import sys

import pytest

from operations.store import locks as lock
from operations.store.locks import check_warehouse, exclusive
from settings import Settings, UsageError

HOLD = """
import sys
from pathlib import Path
from operations.store.locks import exclusive
from settings import Settings
with exclusive(Settings(warehouse=Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_second_run_waits_for_the_first_and_says_so(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "w")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    told = []

    def let_go():
        told.append("waits")
        holder.communicate("\n")

    with exclusive(Settings(warehouse=tmp_path / "w"), on_wait=let_go):
        assert told == ["waits"]


def test_holder_may_take_it_again(tmp_path):
    settings = Settings(warehouse=tmp_path / "w")
    with exclusive(settings), exclusive(settings):
        check_warehouse(settings)
    assert not lock._held


def test_folder_of_another_make_is_refused(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "photo.jpg").touch()
    with pytest.raises(UsageError, match="no warehouse of this version"), exclusive(Settings(warehouse=tmp_path / "w")):
        pass


def test_who_took_it_again_and_never_came_back_is_forgotten(tmp_path):
    settings = Settings(warehouse=tmp_path / "w")

    def left_in_the_middle():
        with exclusive(settings):
            yield

    with exclusive(settings):
        left = left_in_the_middle()
        next(left)
    with exclusive(settings):
        left.close()
        with exclusive(settings):
            pass
    assert not lock._held
