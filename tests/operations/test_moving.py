"""`romi move` changes who builds the models only after both have built the same, and changes nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from operations import beside, moving
from operations.moving import Move, move
from operations.publishing.publish import publish
from operations.rebuilding.engine import spark_session
from operations.store.rollback import rollback
from settings import Settings, UsageError, load_settings
from tests.operations import marts
from tests.operations.closes import shop as closed_shop
from tests.operations.marts import DAYS, NOW, build, change, publish_now

settings, plain_documents = marts.settings, closed_shop.plain_documents
shown, closed = closed_shop.shown, closed_shop.closed

CONFIG = "# of finance\nregions: {eu: {}, us: {}}\nengine: spark   # since May\nspark: {memory: 3g}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "romi.yaml"
    path.write_text(CONFIG)
    return path


def as_configured(config: Path, shown: Settings) -> Settings:
    return load_settings(config, warehouse=shown.warehouse)


def rebuilt(changes: Callable[[Settings], None] = lambda _: None, *, publishes: bool = False) -> moving.Rebuild:
    """What builds each day anew, with the same revenue on either engine, then what an engine does otherwise."""

    def rebuild(made: Settings, config: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
        assert load_settings(config).engine == made.engine
        build(made, "eu", days=[*DAYS, date(2026, 5, 20)])
        changes(made)
        if publishes:
            publish(made, clock=lambda: NOW)
        return [], {}

    return rebuild


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".lock", "warehouse.keys.lock")
    }


def test_equal_tables_switch_the_engine_and_nothing_else(shown: Settings, config: Path) -> None:
    before = content(shown.warehouse)
    config.chmod(0o640)
    done = move(as_configured(config, shown), config, "duckdb", rebuilt(publishes=True))
    assert (done.is_switched, done.exit_code, done.differences) == (True, 0, [])
    assert done.rows > 0
    assert config.read_text() == CONFIG.replace("engine: spark ", "engine: duckdb ")
    assert config.stat().st_mode & 0o777 == 0o640
    assert content(shown.warehouse) == before
    again = move(as_configured(config, shown), config, "duckdb", lambda made, path: pytest.fail("nothing to prove"))
    assert (again.is_switched, again.exit_code) == (False, 0)


@pytest.mark.parametrize("other", ["duckdb", "spark"])
def test_a_row_that_one_engine_alone_makes_switches_nothing(shown, config, other) -> None:
    def differ(made: Settings) -> None:
        if made.engine == other:
            change(made, "eu", "update finance.orders_daily set revenue = revenue + 1 where date = '2026-01-30'")
            change(made, "eu", "delete from finance.romi_by_touch_date; create schema staging")
            change(made, "eu", "insert into finance.spend_daily from finance.spend_daily where date = '2026-01-31'")
            change(made, "eu", "create table staging.kept as select 1 as one")

    before = content(shown.warehouse.parent)
    done: Move = move(as_configured(config, shown), config, "duckdb", rebuilt(differ))
    assert (done.is_switched, done.exit_code) == (False, 1)
    more = (
        "1 rows on spark alone, 0 on duckdb alone" if other == "spark" else "0 rows on spark alone, 1 on duckdb alone"
    )
    assert done.differences == [
        "eu: finance.orders_daily: 1 rows on spark alone, 1 on duckdb alone",
        f"eu: finance.spend_daily: {more}",  # a row that stands twice is one more, and only there
        "eu: staging.kept is on one side alone",
    ]
    assert content(shown.warehouse.parent) == before


def test_what_is_published_otherwise_switches_nothing(shown, config) -> None:
    def differ(made: Settings) -> None:
        if made.engine == "duckdb":
            change(made, "eu", "update finance.orders_daily set revenue = 130 where date = '2026-01-30'")

    done = move(as_configured(config, shown), config, "duckdb", rebuilt(differ, publishes=True))
    assert "published finance.orders_daily: 1 rows on spark alone, 1 on duckdb alone" in done.differences
    assert config.read_text() == CONFIG


def test_a_day_that_one_engine_alone_withholds_switches_nothing(shown: Settings, config: Path) -> None:
    def rebuild(made: Settings, _: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
        return [], {"eu": {"2026-01-30": "accuracy"}} if made.engine == "duckdb" else {}

    done = move(as_configured(config, shown), config, "duckdb", rebuild)
    assert done.differences == ["other days are withheld"]
    assert config.read_text() == CONFIG


def test_a_build_that_fails_switches_nothing_and_is_told_with_its_engine(shown: Settings, config: Path) -> None:
    def rebuild(made: Settings, _: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
        return (["eu: rebuild: no such column"] if made.engine == "duckdb" else []), {}

    done = move(as_configured(config, shown), config, "duckdb", rebuild)
    assert (done.failures, done.exit_code) == (["on duckdb: eu: rebuild: no such column"], 1)
    assert config.read_text() == CONFIG


@pytest.mark.parametrize("killed_at", ["copy_warehouse", "_prove", "_compare_published", "write_durably", "later"])
def test_killed_at_any_moment_one_engine_is_in_charge_and_the_second_call_ends_the_same(
    shown, config, monkeypatch, killed_at
) -> None:
    before = content(shown.warehouse)
    with monkeypatch.context() as patch:
        if killed_at == "later":  # the file is in its place, and nobody has been told

            def made_and_killed(self: moving._Switch) -> None:
                make(self)
                raise KeyboardInterrupt

            make = moving._Switch.make
            patch.setattr(moving._Switch, "make", made_and_killed)
        else:
            patch.setattr(moving, killed_at, killed)
        with pytest.raises(KeyboardInterrupt):
            move(as_configured(config, shown), config, "duckdb", rebuilt())
    assert content(shown.warehouse) == before
    assert load_settings(config).engine == ("duckdb" if killed_at == "later" else "spark")
    assert move(as_configured(config, shown), config, "duckdb", rebuilt()).exit_code == 0
    assert config.read_text() == CONFIG.replace("engine: spark ", "engine: duckdb ")
    assert content(shown.warehouse) == before
    assert not [path for path in shown.warehouse.parent.iterdir() if path.name.startswith(".")]


def killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        (lambda shown, config: config.write_text(CONFIG + "reporting_currency: USD\n"), "was changed meanwhile"),
        (lambda shown, config: (build(shown, "us", 130), publish_now(shown)), "another version was published"),
    ],
)
def test_what_changed_during_the_proof_is_not_switched(shown, config, meanwhile, told) -> None:
    def change_once(made: Settings) -> None:
        if made.engine == "duckdb":
            meanwhile(shown, config)

    with pytest.raises(UsageError, match=told):
        move(as_configured(config, shown), config, "duckdb", rebuilt(change_once))
    assert load_settings(config).engine == "spark"


@pytest.mark.parametrize("text", ["", "regions: {eu: {}, us: {}}", "regions: {eu: {}, us: {}}\n\n# engine: spark\n"])
def test_a_configuration_that_names_no_engine_gets_the_line(shown, tmp_path, monkeypatch, text) -> None:
    monkeypatch.setattr(moving, "check_installed", lambda _: None)
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "romi.yaml"
    if text:
        config.write_text(text)
    told = load_settings(warehouse=shown.warehouse)
    assert move(told, config, "spark", lambda made, path: ([], {})).is_switched
    end = "" if text.endswith("\n") or not text else "\n"
    assert config.read_text() == f"{text}{end}engine: spark\n"


def test_a_configuration_that_is_not_written_as_lines_is_refused_before_anything_is_built(shown, config) -> None:
    text = "{engine: spark, regions: {eu: {}, us: {}}}"
    config.write_text(text)
    with pytest.raises(UsageError, match="engine: duckdb"):
        move(as_configured(config, shown), config, "duckdb", lambda made, path: pytest.fail("built"))
    assert config.read_text() == text


def test_what_the_other_engine_does_not_understand_is_refused_before_anything_is_built(
    shown, config, monkeypatch
) -> None:
    monkeypatch.setattr(moving, "check_installed", lambda _: None)
    config.write_text("attribution: {channel_rules: [{channel: A, source: 'a\\b'}]}\n")
    with pytest.raises(UsageError, match=r"romi.yaml with `engine: spark`.*no escapes"):
        move(as_configured(config, shown), config, "spark", lambda made, path: pytest.fail("built"))


def test_a_missing_spark_is_told_before_anything_is_built(shown, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(spark_session.shutil, "which", lambda _: None)
    config = tmp_path / "romi.yaml"
    config.write_text("engine: duckdb\n")
    with pytest.raises(UsageError, match="engine: spark needs"):
        move(as_configured(config, shown), config, "spark", lambda made, path: pytest.fail("built"))
    assert config.read_text() == "engine: duckdb\n"


def test_without_a_version_or_with_a_pinned_one_nothing_is_proven(shown: Settings, config: Path) -> None:
    rollback(shown, 1)
    with pytest.raises(UsageError, match="version 1 is pinned"):
        move(as_configured(config, shown), config, "duckdb", rebuilt())


def test_a_closed_month_stays_closed_with_the_same_bytes(closed: Settings, config: Path) -> None:
    before = content(closed.warehouse)
    assert move(as_configured(config, closed), config, "duckdb", rebuilt()).is_switched
    assert content(closed.warehouse) == before


def test_a_disk_without_room_for_two_copies_is_told_before_anything_is_copied(shown, config, monkeypatch) -> None:
    size = sum((shown.warehouse / name).stat().st_size for name in beside._figures(shown))
    monkeypatch.setattr(beside, "_SPARE", 0)
    monkeypatch.setattr(moving, "copy_warehouse", lambda settings, made: pytest.fail("copied"))
    free = SimpleNamespace(free=2 * size - 1)
    monkeypatch.setattr(beside.shutil, "disk_usage", lambda _: free)
    with pytest.raises(UsageError, match=r"free, and 2 copies of the warehouse may need .*: make room"):
        move(as_configured(config, shown), config, "duckdb", rebuilt())
    monkeypatch.undo()
    assert move(as_configured(config, shown), config, "duckdb", rebuilt()).is_switched
