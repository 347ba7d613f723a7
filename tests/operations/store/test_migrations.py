"""A warehouse of an earlier format is brought forward, whatever is killed on the way, and no other is touched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from ingestion.books import FORMAT, put_meta, region_file, region_format
from operations.store import migrations
from operations.store.locks import check_warehouse, exclusive, warehouse_format, write_format
from operations.store.migrations import Step, migrate, on_present_format, steps
from settings import WAREHOUSE_FORMAT, PermanentError, Settings, UsageError, formats

LATER = WAREHOUSE_FORMAT + 1
# Two steps beyond this release's: of a region's file, and of what else lies in the warehouse.
STEPS = f"""
from operations.store.migrations import Step
def add(con, settings, region):
    con.execute("alter table ops.disposals add column told varchar")
    con.execute("update ops.disposals set told = 'by the step'")
def mark(settings):
    (settings.warehouse / "books" / "marked").write_text("once more is the same")
NEW = (Step({LATER}, "A column for what was told.", region=add), Step({LATER + 1}, "A mark.", warehouse=mark))
"""
made: dict = {}
exec(STEPS, made)
KILLED = f"""
import os, sys
from contextlib import contextmanager
from pathlib import Path
from ingestion import books
from operations.store import locks, migrations
from privacy import storage
from settings import Settings, formats
{STEPS}
steps, last = 0, int(sys.argv[2])
def count(function):
    def counted(*arguments, **keywords):
        global steps
        steps += 1
        if steps == last:
            os._exit(9)
        return function(*arguments, **keywords)
    return counted
class Connection:
    def __init__(self, con): self.con = con
    def __getattr__(self, name): return count(getattr(self.con, name)) if name == "execute" else getattr(self.con, name)
opened = storage.opened
@contextmanager
def counting(*arguments, **keywords):
    with opened(*arguments, **keywords) as con:
        yield Connection(con)
storage.opened, os.replace = counting, count(os.replace)
for module in (formats, books, locks, migrations):
    module.WAREHOUSE_FORMAT = {LATER + 1}
migrations.steps = lambda: NEW
with migrations.on_present_format(Settings.model_validate_json(sys.argv[1])):
    print(steps)
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A warehouse of this release's format with two regions."""
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    return warehouse(tmp_path / "w")


def warehouse(path: Path) -> Settings:
    made = Settings.model_validate({"warehouse": path, "privacy": {"encryption_at_rest": False}})
    with exclusive(made):
        for region in ("eu", "us"):
            with region_file(made, region) as con:
                put_meta(con, "note", region)
                con.execute("insert into ops.disposals values (now(), 'events', 'a rule', now(), 1)")
    return made


@pytest.fixture
def later_release(monkeypatch):
    """This release as one that has two steps more."""
    from ingestion import books
    from operations.store import locks

    for module in (formats, books, locks, migrations):
        monkeypatch.setattr(module, "WAREHOUSE_FORMAT", LATER + 1)
    monkeypatch.setattr(migrations, "steps", lambda: made["NEW"])


def opened(settings, region="eu"):
    return region_file(settings, region, may_migrate=True)


def state(settings):
    """What stands in the warehouse, by place."""
    marked = sorted(path.name for path in (settings.warehouse / "books").iterdir())
    found = {"warehouse": warehouse_format(settings.warehouse), "books": marked}
    for region in ("eu", "us"):
        con = duckdb.connect(str(settings.region_file(region)), read_only=True)
        try:
            disposals = con.execute("select * exclude (disposed_at, older_than) from ops.disposals").fetchall()
            found[region] = [*sorted(con.execute("from ops.meta").fetchall()), *disposals]
        finally:
            con.close()
    return found


def shape(con):
    """Every column and constraint of the tables that dbt does not build, and every sequence."""
    columns = con.execute("""
        select schema_name, table_name, column_name, column_index, data_type, is_nullable, column_default
        from duckdb_columns() where database_name = current_database() and schema_name in ('raw', 'ops')
        order by all""").fetchall()
    constraints = con.execute("""
        select table_name, constraint_type, constraint_column_names from duckdb_constraints()
        where database_name = current_database() and schema_name in ('raw', 'ops') order by all""").fetchall()
    return columns, constraints, con.execute("select schema_name, sequence_name from duckdb_sequences()").fetchall()


def test_every_format_since_the_oldest_has_one_step():
    assert [step.format for step in steps()] == list(range(formats.OLDEST_FORMAT + 1, WAREHOUSE_FORMAT + 1))
    assert all(step.region or step.warehouse for step in steps())
    assert all(step.what.endswith(".") for step in steps())


def test_two_steps_of_one_format_are_refused(tmp_path, monkeypatch):
    shutil.copytree(migrations._FOLDER, tmp_path / "steps")
    (tmp_path / "steps" / f"{WAREHOUSE_FORMAT:03}_another.sql").write_text("-- Another.\nselect 1;\n")
    monkeypatch.setattr(migrations, "_FOLDER", tmp_path / "steps")
    with pytest.raises(PermanentError, match="has not one migration for each format"):
        steps.__wrapped__()


def test_migration_takes_each_region_and_the_warehouse_through_every_step(settings, later_release):
    with on_present_format(settings) as done:
        check_warehouse(settings)
    assert done.failures == {}
    assert done.steps == [
        f"eu, format {LATER}: A column for what was told.", f"us, format {LATER}: A column for what was told.",
        f"warehouse, format {LATER + 1}: A mark.",
    ]  # fmt: skip
    for region in ("eu", "us"):
        with region_file(settings, region, read_only=True) as con:
            assert con.execute("select told from ops.disposals").fetchall() == [("by the step",)]
    with on_present_format(settings) as again:
        assert (again.steps, again.failures) == ([], {})


def killed(settings, at):
    """A later release migrates, in a process that dies at that statement or file operation; at none if it is 0."""
    given = settings.model_dump_json(include={"warehouse", "privacy"})
    return subprocess.run([sys.executable, "-c", KILLED, given, str(at)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_migration_killed_on_the_way_and_done_again_ends_the_same(settings, tmp_path, later_release, every):
    shutil.copytree(settings.warehouse, tmp_path / "before")
    whole = killed(settings, 0)
    assert whole.returncode == 0, whole.stderr
    expected, last = state(settings), int(whole.stdout)
    for at in range(last, 0, -max(1, every * last // 20)):
        other = settings.model_copy(update={"warehouse": tmp_path / f"killed-{at}"})
        shutil.copytree(tmp_path / "before", other.warehouse)
        assert killed(other, at).returncode == 9
        with on_present_format(other) as again:
            assert again.failures == {}
        assert state(other) == expected, at


def test_step_that_fails_in_a_region_leaves_its_file_as_it_was_and_holds_back_no_other(
    settings, later_release, monkeypatch
):
    def fail_in_eu(con, settings, region):
        con.execute("delete from ops.meta where key = 'note'")
        if region == "eu":
            con.execute("select 'secret-value'::integer")

    monkeypatch.setattr(migrations, "steps", lambda: (Step(LATER, "A test.", region=fail_in_eu),))
    with opened(settings) as con:
        before = con.execute("from ops.meta").fetchall()
    with exclusive(settings, may_migrate=True):
        done = migrate(settings)
    assert done.failures == {"eu": "unexpected ConversionException"}
    with opened(settings) as con:
        assert con.execute("from ops.meta").fetchall() == before
    with opened(settings, "us") as con:
        assert region_format(con) == LATER
    with pytest.raises(PermanentError, match="eu: its file cannot be brought to format"):
        migrations.migrate_restored(settings)


def test_earlier_format_is_refused_with_the_command_that_helps(settings, later_release):
    with pytest.raises(UsageError, match=rf"has format {WAREHOUSE_FORMAT}, and .* `romi migrate` brings it there"):
        check_warehouse(settings)
    with pytest.raises(UsageError, match="`romi migrate` brings it there"), region_file(settings, "eu"):
        pass
    with pytest.raises(UsageError, match="`romi migrate` brings it there"), exclusive(settings):
        pass


def test_later_format_is_refused_in_a_sentence_and_left_alone(settings):
    write_format(settings.warehouse, LATER)
    sentence = rf"has format {LATER}, made by a later release than this one, which works on format {WAREHOUSE_FORMAT}"
    for open_it in (exclusive, on_present_format):
        with pytest.raises(UsageError, match=sentence), open_it(settings):
            pass
    assert warehouse_format(settings.warehouse) == LATER
    write_format(settings.warehouse, WAREHOUSE_FORMAT)
    with region_file(settings, "eu") as con:
        put_meta(con, FORMAT, str(LATER))
    with pytest.raises(UsageError, match=sentence), region_file(settings, "eu"):
        pass


def test_format_without_a_path_names_the_release_that_has_one(settings, monkeypatch):
    old = formats.OLDEST_FORMAT - 1
    write_format(settings.warehouse, old)
    with pytest.raises(UsageError, match="no release does, so start a new warehouse"), on_present_format(settings):
        pass
    monkeypatch.setitem(formats.LAST_RELEASES, old, "0.1.9")
    with pytest.raises(UsageError, match=r"release 0\.1\.9 is the last that does"), on_present_format(settings):
        pass


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "7"}', '{"format": true}'])
def test_warehouse_that_does_not_say_its_format_is_refused(settings, text):
    (settings.warehouse / "warehouse.json").write_text(text)
    with pytest.raises(UsageError, match="does not say which format it has"), on_present_format(settings):
        pass


def test_file_that_was_put_back_by_hand_is_brought_forward_by_the_command(settings):
    with region_file(settings, "eu") as con:
        con.execute("drop table ops.notes")
        put_meta(con, FORMAT, "6")
        con.execute("drop table ops.refused_rows")
    from orchestration.cli.main import main

    arguments = ["migrate", "--warehouse", str(settings.warehouse)]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.output.splitlines()) == (0, [
        *(f"migrated eu, format {step.format}: {step.what}" for step in steps()),
        f"the warehouse has format {WAREHOUSE_FORMAT}",
    ])  # fmt: skip
    assert CliRunner().invoke(main, arguments).output == f"the warehouse has format {WAREHOUSE_FORMAT}: nothing to do\n"
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert json.loads(result.output) == {
        "format": WAREHOUSE_FORMAT, "migrated": [], "failures": {}, "exit_code": 0,
    }  # fmt: skip


def test_command_makes_no_warehouse(tmp_path):
    from orchestration.cli.main import main

    result = CliRunner().invoke(main, ["migrate", "--warehouse", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert not os.listdir(tmp_path)
