import re
import subprocess
import sys
from contextvars import copy_context
from threading import Event, Thread

import pytest

from operations.store.locks import LOCK, check_warehouse, exclusive, for_holder, is_held
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
HAND_ON = """
import os, signal, subprocess, sys
from pathlib import Path
from operations.store.locks import descriptor, exclusive
from settings import Settings
settings = Settings(warehouse=Path(sys.argv[1]))
with exclusive(settings):
    subprocess.Popen(["cat"], pass_fds=[descriptor(settings)])
    print("held", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
ASK = """
import sys
from pathlib import Path
from operations.store.locks import is_held
print(is_held(Path(sys.argv[1])))
"""


@pytest.fixture
def settings(tmp_path):
    return Settings(warehouse=tmp_path / "w")


def started(code, path):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def is_held_for_others(settings):
    return started(ASK, settings.warehouse / LOCK).communicate()[0] == "True\n"


def test_second_run_waits_for_the_first_and_names_it(settings):
    holder = started(HOLD, settings.warehouse)
    assert holder.stdout.readline() == "held\n"
    told = []

    def let_go(line):
        told.append(line)
        holder.communicate("\n")

    with exclusive(settings, on_wait=let_go):
        (line,) = told
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.fullmatch(
        rf"another run \(process {holder.pid}, since {moment}\) holds the warehouse; waiting for it", line
    )


def test_second_thread_of_a_process_waits_for_the_first(settings):
    waits, entered = Event(), Event()

    def second():
        with exclusive(settings, on_wait=lambda _: waits.set()):
            entered.set()

    thread = Thread(target=second)
    with exclusive(settings):
        thread.start()
        assert waits.wait(30)
        assert not entered.is_set()
    thread.join(30)
    assert entered.is_set()


def test_other_processes_stay_out_until_the_holder_leaves_whoever_took_it_again(settings):
    def pass_through():
        with exclusive(settings):
            pass

    with exclusive(settings):
        pass_through()
        worker = Thread(target=copy_context().run, args=(pass_through,))  # it works for the holder
        worker.start()
        worker.join(30)
        assert not worker.is_alive()
        assert is_held_for_others(settings)
    assert not is_held_for_others(settings)


def test_warehouse_is_held_until_a_process_has_ended_that_works_for_a_holder_who_was_killed(settings):
    holder = started(HAND_ON, settings.warehouse)
    assert holder.stdout.readline() == "held\n"
    assert holder.wait(30) == -9
    assert is_held(settings.warehouse / LOCK)
    holder.stdin.close()
    with exclusive(settings):  # once the other has ended
        assert holder.stdout.read() == ""


def test_what_works_for_the_holder_does_not_wait_for_it(settings):
    holder = started(HOLD, settings.warehouse)
    assert holder.stdout.readline() == "held\n"
    with for_holder(settings), exclusive(settings, on_wait=lambda _: pytest.fail("it waits")):
        pass
    assert is_held(settings.warehouse / LOCK)
    holder.communicate("\n")


def test_warehouse_can_be_read_while_somebody_holds_it(settings):
    with exclusive(settings):
        reader = Thread(target=check_warehouse, args=(settings,))
        reader.start()
        reader.join(30)
        assert not reader.is_alive()


def test_question_who_holds_a_lock_makes_none(tmp_path):
    assert not is_held(tmp_path / "nowhere" / LOCK)
    assert not is_held(tmp_path / LOCK)
    assert not list(tmp_path.iterdir())


def test_holder_without_a_name_is_waited_for_too(settings):
    holder = started(HOLD, settings.warehouse)
    assert holder.stdout.readline() == "held\n"
    (settings.warehouse / LOCK).write_text("")
    told = []

    def let_go(line):
        told.append(line)
        holder.communicate("\n")

    with exclusive(settings, on_wait=let_go):
        assert told == ["another run holds the warehouse; waiting for it"]


def test_folder_of_another_make_is_refused(settings):
    settings.warehouse.mkdir()
    (settings.warehouse / "photo.jpg").touch()
    with pytest.raises(UsageError, match="is not a warehouse"), exclusive(settings):
        pass
    assert not is_held(settings.warehouse / LOCK)


def test_who_took_it_again_and_never_came_back_is_forgotten(settings):
    def left_in_the_middle():
        with exclusive(settings):
            yield

    with exclusive(settings):
        left = left_in_the_middle()
        next(left)
    assert not is_held_for_others(settings)
    with exclusive(settings):
        left.close()
        assert is_held_for_others(settings)
        with exclusive(settings):
            pass
    assert not is_held_for_others(settings)
