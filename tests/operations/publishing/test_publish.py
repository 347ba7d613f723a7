import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.books import region_file
from operations.finance_tables.published_tables import PUBLISHED, dictionary
from operations.publishing import publish as publishing
from operations.publishing.publish import publish
from operations.store.rollback import rollback, unpin
from operations.store.versions import (
    current_version,
    pinned_version,
    version_dir,
    version_ids,
    versions,
)
from settings import PermanentError, Settings, UnknownValueError
from tests.kit.examples import some
from tests.operations import marts
from tests.operations.marts import DAYS, NOW, ask, build, change, publish_now, revenue_by_day, stand

settings, shop, shown, twice = marts.settings, marts.shop, marts.shown, marts.twice

ROOT = Path(__file__).resolve().parents[3]


def test_the_first_publish_makes_a_whole_version(shop: Settings) -> None:
    done = publish_now(shop)
    assert (done.version, done.late, current_version(shop)) == (1, {}, 1)
    assert os.readlink(shop.published) == "versions/000001"
    assert done.rows["finance.romi_daily"] == 12
    for table in PUBLISHED:
        parquet = shop.published / "parquet" / table.schema / f"{table.name}.parquet"
        assert ask(shop, f"select count(*) from (from {table} except all from read_parquet('{parquet}'))") == [(0,)]
        described = ask(shop, f"select column_name, column_type from (describe {table})")
        assert described == list(table.columns.items())
    assert {path.stat().st_mode & 0o777 for path in done.folder.rglob("*") if path.is_file()} == {0o440}
    assert ask(shop, "from meta.versions order by region") == [
        (1, datetime(2026, 6, 1, 12), region, datetime(2026, 5, 1), 0, False, 1, "") for region in ("eu", "us")
    ]


def test_nothing_to_publish_is_no_version(settings: Settings) -> None:
    assert publish(settings) is None
    assert not settings.published.exists()


def test_publishing_again_with_nothing_new_touches_nothing(shown: Settings) -> None:
    before = stand(shown)
    assert publish(shown) is None
    assert stand(shown) == before


def test_a_rebuild_that_came_out_the_same_is_no_version(shown: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stand(shown)
    build(shown, "eu")
    assert publish(shown) is None
    assert stand(shown) == before
    monkeypatch.setattr(publishing, "_build", lambda *_: pytest.fail("compared once already"))
    assert publish(shown) is None


@pytest.mark.parametrize(
    ("damage", "finding"),
    some(
        [
            (
                "update finance.romi_daily set revenue = revenue - 1 where attribution_model = 'linear'",
                "does not add up",
            ),
            ("insert into finance.spend_daily from finance.spend_daily", "twice"),
            ("update finance.romi_daily set conversions = 0", "does not add up"),
            ("delete from finance.romi_daily", "does not add up"),
            ("update finance.spend_daily set channel = null", "without"),
        ],
        fast=2,
    ),
)
def test_the_audit_withholds_the_day_it_finds_fault_with_and_no_other(
    shown: Settings, damage: str, finding: str
) -> None:
    for region in ("eu", "us"):
        build(shown, region, revenue=200)
    before, _, after = damage.partition(" where ")
    change(shown, "eu", f"{before} where date = '2026-01-30' {f'and {after}' if after else ''}")
    publish_now(shown)
    with region_file(shown, "eu", read_only=True) as con:
        ((day, reason),) = con.execute(
            "select day, withheld_reason from ops.days where withheld_reason != ''"
        ).fetchall()
    assert (day, reason.startswith("audit: "), finding in reason) == (DAYS[0], True, True)
    assert revenue_by_day(shown) == dict(zip(DAYS, (100, 200, 200), strict=True))
    assert revenue_by_day(shown, "us") == dict.fromkeys(DAYS, 200)
    assert publish(shown) is None


def test_the_audit_refuses_a_version_whose_fault_is_that_of_no_day(shown: Settings) -> None:
    before = stand(shown)
    build(shown, "eu", revenue=200)
    change(shown, "eu", "update finance.spend_daily set region = 'mars'")
    with pytest.raises(PermanentError, match=r"regions that meta\.versions"):
        publish(shown)
    assert stand(shown) == before
    assert not list(shown.versions_dir.glob(".*"))


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from operations.publishing.publish import publish
from settings import Region, Settings
module, name = sys.argv[3].rsplit(".", 1)
owner = {"os": os, "path": Path}[module]
setattr(owner, name, lambda *_, **__: os._exit(9))
publish(Settings(warehouse=Path(sys.argv[2]), regions={"eu": Region(), "us": Region()}))
"""


@pytest.mark.parametrize("step", some(["os.symlink", "os.rename", "path.chmod", "os.fsync", "os.replace"], fast=2))
def test_a_run_killed_at_any_step_leaves_the_old_version_and_the_next_completes(shown: Settings, step: str) -> None:
    build(shown, "eu", revenue=200)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(ROOT), str(shown.warehouse), step], check=False)
    assert killed.returncode == 9
    assert revenue_by_day(shown) == dict.fromkeys(DAYS, 100)
    assert version_ids(shown) == [1]
    assert publish_now(shown).version == 2
    assert revenue_by_day(shown) == dict.fromkeys(DAYS, 200)
    assert sorted(path.name for path in shown.versions_dir.iterdir()) == ["000001", "000002"]
    assert {path.name for path in shown.warehouse.iterdir()} == {"books", "memory", "published", "regions", "versions"}


@pytest.mark.parametrize("function", ["rename", "replace"])
def test_a_swap_that_fails_leaves_the_old_version_and_the_next_completes(
    shown: Settings, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    build(shown, "eu", revenue=200)
    real = getattr(os, function)

    def fail(source: Path, target: Path) -> None:
        if Path(target).name in ("published", "000002"):
            raise OSError("disk gone")
        real(source, target)

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="disk gone"):
        publish(shown)
    monkeypatch.undo()
    assert revenue_by_day(shown) == dict.fromkeys(DAYS, 100)
    assert publish_now(shown).version == 2


def test_a_reader_keeps_the_version_it_opened(shown: Settings) -> None:
    reader = duckdb.connect(str(shown.published.resolve() / "marts.duckdb"), read_only=True)
    try:
        build(shown, "eu", revenue=200)
        publish_now(shown)
        old = reader.execute("select distinct revenue::int from finance.orders_daily").fetchall()
    finally:
        reader.close()
    assert old == [(100,)]
    assert revenue_by_day(shown) == dict.fromkeys(DAYS, 200)


def test_every_published_column_is_documented(shown: Settings) -> None:
    undocumented = """
        select schema_name, table_name, column_name from duckdb_columns() where not internal and database_name = 'marts'
        except select schema_name, table_name, column_name from meta.columns
        where meaning != '' and unit != '' and source != ''"""
    assert ask(shown, undocumented) == []
    assert len(dictionary()) == sum(len(table.columns) for table in PUBLISHED)
    units = dict(ask(shown, "select column_name, unit from meta.columns where table_name = 'romi_daily'"))
    expected = {
        "revenue": "reporting currency",
        "cpa": "reporting currency per conversion",
        "roas": "ratio",
        "clicks": "count",
    }
    assert units | expected == units


def test_rollback_pins_until_unpinned(twice: Settings) -> None:
    rollback(twice, 1)
    assert revenue_by_day(twice) == dict.fromkeys(DAYS, 100)
    assert (current_version(twice), pinned_version(twice)) == (1, 1)
    assert [one.is_current for one in versions(twice)] == [True, False]
    build(twice, "us", revenue=300)
    assert publish(twice) is None
    assert unpin(twice)
    assert not unpin(twice)
    assert publish_now(twice).version == 3
    assert (revenue_by_day(twice), revenue_by_day(twice, "us")) == (
        dict.fromkeys(DAYS, 200),
        dict.fromkeys(DAYS, 300),
    )


def test_rollback_names_the_versions_there_are(shown: Settings) -> None:
    with pytest.raises(UnknownValueError, match="known: 1"):
        rollback(shown, 7)
    assert pinned_version(shown) is None


@pytest.mark.parametrize("keeps", [None, 0.5])
@pytest.mark.parametrize("name", ["marts.duckdb", "released.duckdb", "parquet/finance/romi_daily.parquet"])
def test_rollback_to_a_version_that_cannot_be_read_changes_nothing(
    twice: Settings, name: str, keeps: float | None
) -> None:
    broken = version_dir(twice, 1) / name
    broken.chmod(0o640)
    if keeps is None:
        broken.unlink()
    else:
        os.truncate(broken, int(broken.stat().st_size * keeps))
    with pytest.raises(PermanentError, match=f"version 1 cannot be read.*{name} is missing or damaged"):
        rollback(twice, 1)
    assert (current_version(twice), pinned_version(twice)) == (2, None)


def test_versions_tell_what_is_inside(shown: Settings) -> None:
    (only,) = versions(shown)
    assert (only.id, only.built_at, only.is_current) == (1, NOW.replace(tzinfo=None), True)
    assert only.regions["eu"].input_watermark == datetime(2026, 5, 1)
    assert not only.regions["eu"].carried_over


def test_a_region_that_grows_publishes_the_new_day(shown: Settings) -> None:
    build(shown, "eu", days=[DAYS[-1] + timedelta(1)])
    publish_now(shown)
    assert list(revenue_by_day(shown)) == [*DAYS, DAYS[-1] + timedelta(1)]


def test_another_reporting_currency_carries_nothing_over(shown: Settings) -> None:
    change(shown, "eu", f"update ops.days set withheld_reason = 'no rate' where day = '{DAYS[0]}'")
    publish_now(shown.model_copy(update={"reporting_currency": "USD"}))
    assert list(revenue_by_day(shown)) == DAYS[1:]
