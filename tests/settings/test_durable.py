"""Files that must survive: a kill or a full disk leaves the old content or the new, and a book its lines."""

import json
import os
from threading import Thread

import pytest

from settings.durable import append_durably, write_durably, write_json


class Killed(BaseException):
    """What a process has no answer to."""


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_killed_at_any_step_the_old_file_is_there_whole(tmp_path, monkeypatch, step):
    path = tmp_path / "book"
    write_durably(path, "old")

    def die(*_):
        raise Killed

    monkeypatch.setattr(os, step, die)
    with pytest.raises(Killed):
        write_durably(path, "new and longer")
    monkeypatch.undo()
    assert path.read_text() == "old"
    write_durably(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "book"
    write_durably(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_durably(path, "new")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("book", "old")]


def test_content_and_name_are_on_disk_before_it_returns(tmp_path, monkeypatch):
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda it: (synced.append(os.readlink(f"/proc/self/fd/{it}")), real(it)))
    write_durably(tmp_path / "book", b"new")
    assert [path.rpartition("/")[2].split(".")[1:2] or path for path in synced] == [["book"], str(tmp_path)]


def test_file_is_its_owners_alone_unless_more_is_asked_for(tmp_path):
    write_durably(tmp_path / "book", "new")
    assert (tmp_path / "book").stat().st_mode & 0o777 == 0o600


def test_threads_that_write_one_file_leave_one_of_them_whole(tmp_path):
    texts = [str(number) * 50_000 for number in range(8)]
    threads = [Thread(target=write_durably, args=(tmp_path / "book", text)) for text in texts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [one.read_text() in texts for one in tmp_path.iterdir()] == [True]


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {("no", "key"): 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_line_after_one_that_was_cut_short_stands_on_its_own(tmp_path):
    path = tmp_path / "books" / "book.jsonl"
    append_durably(path, "one", "two")
    path.write_text(path.read_text() + "th")
    append_durably(path, "four")
    append_durably(path)
    assert path.read_text().splitlines() == ["one", "two", "th", "four"]
    assert path.stat().st_mode & 0o777 == 0o600
