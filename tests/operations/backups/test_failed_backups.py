"""Backups that were killed, failed or are odd: nothing is left of them, and everyone is told in a line."""

from __future__ import annotations

import errno
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from click.testing import CliRunner

from operations.backups import backup, backup_book, backup_places, restore
from operations.backups.verified_backup import back_up_and_try
from operations.register import register_audit
from operations.retention import retention
from operations.store.locks import exclusive
from operations.store.migrations import Migrated
from orchestration.cli.main import main
from orchestration.cli.show_backup import backup_lines
from settings import PermanentError, UsageError, now
from tests.operations.backups import test_backup

settings = test_backup.settings


def romi(settings, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*arguments, "--warehouse", str(settings.warehouse)])
    return done.exit_code, done.output.strip()


def no_space(path, to):
    raise OSError(errno.ENOSPC, "No space left on device", str(to))


def test_what_killed_backups_and_restores_left_is_named_and_taken_away(settings, tmp_path):
    beside, elsewhere = settings.warehouse.with_name("warehouse.backups"), tmp_path / "elsewhere"
    left = [beside / ".20260101T000000Z.tmp", beside / ".20260101T000000Z-2.trial",
            elsewhere / ".20260101T000000Z.tmp", settings.warehouse.with_name(".warehouse.restoring")]  # fmt: skip
    (beside / ".keep").mkdir(parents=True)
    with backup_places.claimed(beside / ".20260102T000000Z.tmp") as at_work:
        for how in ("backup", "retention"):
            backup_places.note(settings.warehouse, elsewhere / "20260101T000000Z", now())
            for path in left:
                (path / "warehouse").mkdir(parents=True)
                (path / "warehouse" / "eu.duckdb").write_bytes(b"persons")
            told = [one for one in register_audit.audit(settings, lambda _: {}) if "left by a killed" in one]
            assert sorted(one.split()[0] for one in told) == sorted(map(str, left))
            if how == "backup":
                backup.back_up(settings)
            else:
                assert retention.apply(settings, lambda _: {}, dry_run=True).disposed[0].count == 4
                assert [(one.what, one.count) for one in retention.apply(settings, lambda _: {}).disposed] == [
                    (retention.LEFT, 4)
                ]
                assert {str(path) for path in left} == {one["item"] for one in retention.book(settings)}
            assert [path for path in left if path.exists()] == []
            assert at_work.is_dir()
            assert (beside / ".keep").is_dir()


def test_a_warehouse_that_a_killed_restore_moved_away_is_no_leftover_of_the_one_begun_since(settings):
    made = backup.back_up(settings)
    aside = settings.warehouse.with_name(".warehouse.replaced")
    settings.warehouse.rename(aside)  # killed here
    with exclusive(settings):
        pass  # a run began another
    retention.apply(settings, lambda _: {})
    assert aside.is_dir()
    assert [one for one in register_audit.audit(settings, lambda _: {}) if "moved away" in one]
    with pytest.raises(UsageError, match="killed"):
        restore.restore(settings, made.folder, force=True)
    assert (aside / "regions" / "eu.duckdb").is_file()


def test_a_backup_that_fails_is_told_booked_and_leaves_nothing(settings, monkeypatch):
    settings.published.unlink()  # it is not whole
    good = back_up_and_try(settings)
    beside = settings.warehouse.with_name("warehouse.backups")
    monkeypatch.setenv("ROMI_NOW", (now() + timedelta(hours=1)).isoformat())
    with monkeypatch.context() as patched:
        patched.setattr(backup, "copy", no_space)
        code, said = romi(settings, "backup")
        assert (code, said.count("\n")) == (1, 0)
        assert said.startswith("romi: no backup was made: No space left on device: ")
    assert [path.name for path in beside.iterdir()] == [good.folder.rpartition("/")[2]]
    found = backup_book.summary(settings)
    assert (found["last"], found["problem"].partition(":")[0]) == (good.made_at, "No space left on device")
    assert any("the last one failed: No space left" in line for line in backup_lines(found))

    with monkeypatch.context() as patched:
        patched.setattr(restore, "copy", no_space)
        with pytest.raises(PermanentError, match="cannot be restored: No space left on device"):
            back_up_and_try(settings)
    assert backup_book.last_verified(settings) == good
    back_up_and_try(settings, trial=False)
    found = backup_book.summary(settings)
    assert (found["last"], found["problem"]) == (good.made_at, None)


def test_a_place_that_cannot_hold_backups_is_wrong_usage_in_a_line(settings, tmp_path):
    (tmp_path / "afile").write_text("")
    for to in ("afile", "afile/below", "/proc/none"):
        code, said = romi(settings, "backup", "--to", str(tmp_path / to))
        assert (code, said.count("\n")) == (2, 0), said
        assert "unexpected" not in said
    assert backup_book.summary(settings)["problem"] is None
    unusable = settings.model_copy(
        update={"backup": settings.backup.model_copy(update={"to": tmp_path / "afile"})}
    )  # fmt: skip
    with pytest.raises(UsageError):
        back_up_and_try(unusable)
    assert "is no folder" in backup_book.summary(settings)["problem"]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda text: text[: len(text) // 2], "cut off or no JSON"),
        (lambda _: "[]", "not what a backup writes: the whole of it"),
        (lambda text: text.replace('"files"', '"flies"'), "files: Field required"),
        (lambda text: text.replace('"made_at": "', '"made_at": "x'), "made_at"),
        (lambda text: text.replace("regions/eu.duckdb", "../eu.duckdb"), "outside of the backup"),
        (lambda text: text.replace('"warehouse_format": ', '"warehouse_format": 9'), "has format 9"),
    ],
)
def test_a_manifest_that_is_odd_is_told_as_that(settings, harm, told):
    made = backup.back_up(settings)
    path = made.folder / "backup.json"
    path.write_text(harm(path.read_text()))
    code, said = romi(settings, "restore", str(made.folder), "--force")
    assert (code, said.count("\n")) == (2, 0)
    assert told in said


@pytest.mark.parametrize("step", ["verify", "sync"])
def test_backups_of_the_same_second_have_names_of_their_own_and_leave_each_other_alone(settings, monkeypatch, step):
    real, made = getattr(backup, step), []

    def another_begins(*known):
        if not made:
            made.append(None)
            made.append(backup.back_up(settings))
        real(*known)

    monkeypatch.setattr(backup, step, another_begins)
    made[0:1] = [backup.back_up(settings)]
    assert sorted(one.folder.name for one in made) == ["20260320T120000Z", "20260320T120000Z-2"]
    for one in made:
        assert sorted(path.name for path in one.folder.iterdir()) == ["backup.json", "warehouse"]
        restore.restore(settings, one.folder, force=True)


def test_to_wait_for_the_warehouse_is_no_part_of_a_backup(settings, monkeypatch):
    waited, begun = [], now()

    @contextmanager
    def held_for_an_hour(*_):
        waited.append(3600)
        monkeypatch.setenv("ROMI_NOW", (begun + timedelta(hours=1)).isoformat())
        with exclusive(settings):
            yield Migrated()

    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + sum(waited))
    monkeypatch.setattr(backup, "exclusive", held_for_an_hour)
    monkeypatch.setattr(restore, "on_present_format", held_for_an_hour)
    made = backup.back_up(settings)
    assert made.made_at == begun + timedelta(hours=1)
    assert made.seconds < 1800
    assert restore.restore(settings, made.folder, force=True).seconds < 1800
