import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.books import region_file
from operations import publish as publishing
from operations.finality import finalise
from operations.publish import Publication, publish
from operations.published_tables import FINANCE, PUBLISHED, dictionary
from operations.versions import current_version, pinned_version, rollback, unpin, version_ids, versions
from privacy import storage
from settings import PermanentError, Region, Settings, UnknownValueError
from tests.ingestion.conftest import HOLD

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAYS = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(warehouse=tmp_path / "warehouse", regions={"eu": Region(), "us": Region()})


@pytest.fixture
def shop(settings: Settings) -> Settings:
    """Two regions of three days, all final."""
    for region in ("eu", "us"):
        build(settings, region)
    return settings


def build(
    settings: Settings, region: str, revenue: int = 100, days: list[date] = DAYS, received: str = "2026-05-01"
) -> None:
    """Rebuild `days` as dbt and the planner would, with one order of `revenue` on each."""
    with region_file(settings, region) as con:
        con.execute("create schema if not exists finance")
        for table in FINANCE:
            columns = ", ".join(f"{name} {type_}" for name, type_ in table.columns.items() if name != "is_final")
            con.execute(f"create table if not exists {table} ({columns})")
        con.execute(
            """insert into raw.events (message_id, message_order, archive_id, record_offset, type, occurred_at,
            received_at, is_anonymised) values (uuid(), uuid(), 1, 1, 'page', '2026-01-01', ?, false)""",
            [received],
        )
        build_number = con.execute("select coalesce(max(build), 0) + 1 from ops.days").fetchall()[0][0]
        for day in days:
            con.execute(
                """insert into ops.days values (?, ?, null, 'behaviour', false)
                on conflict do update set build = excluded.build, rebuilt_for = excluded.rebuilt_for""",
                [day, build_number],
            )
            rows(con, region, day, revenue)
        con.execute("""delete from finance.romi_monthly; insert into finance.romi_monthly
            select date_trunc('month', date), region, channel, campaign, attribution_model,
                sum(spend), sum(impressions), sum(clicks), sum(conversions), sum(revenue), sum(refunds),
                sum(net_revenue), sum(cogs), sum(margin), 1, 1, 1
            from finance.romi_daily group by all""")
        finalise(con, settings, region)


def rows(con: duckdb.DuckDBPyConnection, region: str, day: date, revenue: int) -> None:
    for table in FINANCE:
        if table.period == "date":
            con.execute(f"delete from {table} where date = ?", [day])
    income = [revenue, 0, revenue, 40, revenue - 40]
    con.execute("insert into finance.orders_daily values (?, ?, 1, ?, ?, ?, ?, ?, 1)", [day, region, *income])
    con.execute(
        "insert into finance.spend_daily values (?, ?, 'google_ads', 'Paid Search', 'brand', 10, 5, 1)", [day, region]
    )
    con.execute(
        "insert into finance.reconciliation_daily values (?, ?, 1, 1, 0, 0, 0, ?, ?, 1, 1)",
        [day, region, revenue, revenue],
    )
    for model in ("linear", "last_touch"):
        con.execute(
            """insert into finance.romi_daily
            values (?, ?, 'Paid Search', 'brand', ?, 10, 5, 1, 1, ?, ?, ?, ?, ?, 10, 5, 10)""",
            [day, region, model, *income],
        )


def change(settings: Settings, region: str, statement: str) -> None:
    with region_file(settings, region) as con:
        con.execute(statement)


def publish_now(settings: Settings) -> Publication:
    done = publish(settings, clock=lambda: NOW)
    assert done is not None
    return done


def ask(settings: Settings, query: str, version: Path | None = None) -> list[tuple]:
    folder = version or settings.published
    con = duckdb.connect(str(folder.resolve() / "marts.duckdb"), read_only=True)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def revenue_by_day(settings: Settings, region: str = "eu", table: str = "orders_daily") -> dict[date, int]:
    query = (
        f"select date, any_value(revenue)::int from finance.{table} where region = '{region}' group by all order by all"
    )
    return dict(ask(settings, query))


def months(settings: Settings) -> dict[date, tuple[int, bool]]:
    query = """
        select month, any_value(revenue)::int, bool_and(is_final) from finance.romi_monthly
        where region = 'eu' group by all"""
    return {month: (revenue, is_final) for month, revenue, is_final in ask(settings, query)}


def final_days(settings: Settings, region: str = "eu") -> list[date]:
    query = f"select distinct date from finance.romi_daily where is_final and region = '{region}' order by all"
    return [day for (day,) in ask(settings, query)]


def stand(settings: Settings) -> dict[str, tuple[int, int]]:
    """Every file and link of the published side, with its inode and change time."""
    paths = [settings.published, *(path for path in settings.versions_dir.rglob("*") if path.is_file())]
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in paths if path.name != "seen.json"}


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
        (1, datetime(2026, 6, 1, 12), region, datetime(2026, 5, 1), 0, False) for region in ("eu", "us")
    ]


def test_nothing_to_publish_is_no_version(settings: Settings) -> None:
    assert publish(settings) is None
    assert not settings.published.exists()


def test_publishing_again_with_nothing_new_touches_nothing(shop: Settings) -> None:
    publish_now(shop)
    before = stand(shop)
    assert publish(shop) is None
    assert stand(shop) == before


def test_a_rebuild_that_came_out_the_same_is_no_version(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_now(shop)
    before = stand(shop)
    build(shop, "eu")
    assert publish(shop) is None
    assert stand(shop) == before
    monkeypatch.setattr(publishing, "_build", lambda *_: pytest.fail("compared once already"))
    assert publish(shop) is None


@pytest.mark.parametrize(
    "hold_back",
    ["update ops.days set withheld_reason = 'accuracy' where day = '2026-01-30'",
     "insert into ops.pending_days (day, reason) values ('2026-01-30', 'rebuilt')"],
    ids=["withheld", "pending"],
)  # fmt: skip
def test_a_day_held_back_keeps_its_last_good_rows_and_its_month_s(shop: Settings, hold_back: str) -> None:
    publish_now(shop)
    build(shop, "eu", revenue=200)
    change(shop, "eu", hold_back)
    publish_now(shop)
    for table in ("orders_daily", "romi_daily"):
        assert revenue_by_day(shop, table=table) == dict(zip(DAYS, (100, 200, 200), strict=True))
    ledger = "select ledger_revenue::int from finance.reconciliation_daily where region = 'eu' order by date"
    assert ask(shop, ledger) == [(100,), (200,), (200,)]
    assert months(shop) == {date(2026, 1, 1): (200, False), date(2026, 2, 1): (200, True)}
    assert final_days(shop) == DAYS[1:]
    assert ask(shop, "select withheld_days from meta.versions where region = 'eu'") == [(1,)]
    assert versions(shop)[-1].regions["eu"].withheld_days == (DAYS[0],)


def test_a_day_held_back_from_the_start_is_absent_with_its_month(shop: Settings) -> None:
    change(shop, "eu", "update ops.days set withheld_reason = 'accuracy' where day = '2026-01-30'")
    publish_now(shop)
    assert list(revenue_by_day(shop)) == DAYS[1:]
    assert list(months(shop)) == [date(2026, 2, 1)]
    change(shop, "eu", "update ops.days set withheld_reason = null")
    publish_now(shop)
    assert list(revenue_by_day(shop)) == DAYS
    assert months(shop)[date(2026, 1, 1)] == (200, True)


def lose(path: Path) -> None:
    path.unlink()


def garble(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def garble_inside(path: Path) -> None:
    with path.open("r+b") as file:
        for place in range(12_288 + 100, path.stat().st_size, 4096):
            file.seek(place)
            file.write(b"\xff" * 8)


def start_anew(path: Path) -> None:
    path.unlink()
    with region_file(Settings(warehouse=path.parents[1]), path.stem):
        pass


def outdate(path: Path) -> None:
    with region_file(Settings(warehouse=path.parents[1]), path.stem) as con:
        con.execute("update ops.meta set value = '0' where key = 'format'")


@pytest.mark.parametrize("damage", [lose, garble, garble_inside, start_anew, outdate])
def test_a_region_that_cannot_be_read_is_carried_over(
    shop: Settings, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(storage, "_LOCK_WAITS", ())
    publish_now(shop)
    build(shop, "us", revenue=300)
    damage(shop.region_file("eu"))
    done = publish_now(shop)
    assert list(done.late) == ["eu"]
    assert revenue_by_day(shop) == dict.fromkeys(DAYS, 100)
    assert revenue_by_day(shop, "us") == dict.fromkeys(DAYS, 300)
    assert (final_days(shop), final_days(shop, "us")) == ([], DAYS)
    assert ask(shop, "select region, carried_over from meta.versions order by all") == [("eu", True), ("us", False)]
    assert publish(shop) is None


def test_a_region_that_was_never_published_and_cannot_be_read_waits(shop: Settings) -> None:
    garble(shop.region_file("eu"))
    done = publish_now(shop)
    assert "eu" in done.late
    assert ask(shop, "select region from meta.versions") == [("us",)]


def test_a_region_that_a_writer_holds_is_carried_over_as_it_is(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_LOCK_WAITS", ())
    publish_now(shop)
    command = [sys.executable, "-c", HOLD, str(shop.region_file("eu"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert publish(shop) is None
        build(shop, "us", revenue=300)
        done = publish_now(shop)
        writer.communicate(b"\n")
    assert done.late == {"eu": "a writer holds its file"}
    assert final_days(shop) == DAYS
    assert ask(shop, "select carried_over from meta.versions order by region") == [(True,), (False,)]


def test_a_region_leaves_only_with_its_file_and_its_configuration(shop: Settings) -> None:
    publish_now(shop)
    without = shop.model_copy(update={"regions": {"us": Region()}})
    assert publish(without) is None
    shop.region_file("eu").unlink()
    publish_now(without)
    assert ask(without, "select distinct region from finance.orders_daily") == [("us",)]


@pytest.mark.parametrize(
    ("zone", "final"), [("UTC", DAYS[:1]), ("Asia/Tokyo", DAYS[:2]), ("America/New_York", DAYS[:1])]
)
def test_a_day_is_final_35_days_before_the_region_s_watermark(settings: Settings, zone: str, final: list[date]) -> None:
    local = settings.model_copy(update={"regions": {"eu": Region(timezone=zone)}})
    build(local, "eu", received="2026-03-05 14:59:59")
    publish_now(local)
    assert final_days(local) == []
    # 35 days after 30 January, late in the evening: the next day in Tokyo.
    build(local, "eu", received="2026-03-06 20:00")
    publish_now(local)
    assert final_days(local) == final
    assert months(local)[date(2026, 1, 1)] == (200, zone == "Asia/Tokyo")


ARCHIVE = """insert into ops.archives by name
    select {id} as archive_id, '{kind}' as kind, '{name}' as name, 'web' as topic, {partition} as partition,
        {start} as start_offset, 1 as size_bytes, 1 as mtime_ns, '{id}' as sha256, '{state}' as state, 1 as attempts,
        {records} as records, now()::timestamp as first_seen_at"""


@pytest.mark.parametrize(
    ("archives", "is_lost"),
    [
        ([(0, 0, 100), (0, 100, 50), (1, 70, 5)], False),
        ([(0, 0, 100), (0, 101, 50)], True),
        ([(0, 0, 100), (1, 101, 50)], False),
        ([(0, 0, 100), (0, 20, 10), (0, 100, 50)], False),  # redelivered inside
    ],
)
def test_a_hole_in_the_offsets_leaves_nothing_final(
    settings: Settings, archives: list[tuple[int, int, int]], is_lost: bool
) -> None:
    for number, (partition, start, records) in enumerate(archives):
        place = {"partition": partition, "start": start, "records": records}
        change(settings, "eu", ARCHIVE.format(id=number, kind="events", name=number, state="loaded", **place))
    build(settings, "eu")
    publish_now(settings)
    assert final_days(settings) == ([] if is_lost else DAYS)


def test_a_hole_leaves_only_those_days_open_that_it_can_speak_of(settings: Settings) -> None:
    days = [date(2026, 1, 1), date(2026, 2, 15), date(2026, 3, 2)]
    for number, (start, received) in enumerate([(0, "2026-03-01"), (200, "2026-03-01 12:00"), (300, "2026-05-01")]):
        facts = {"kind": "events", "name": number, "state": "loaded", "partition": 0, "start": start, "records": 100}
        change(settings, "eu", ARCHIVE.format(id=10 + number, **facts))
        change(settings, "eu", f"""insert into raw.events (message_id, message_order, archive_id, record_offset, type,
            occurred_at, received_at, is_anonymised)
            values (uuid(), uuid(), {10 + number}, 1, 'page', '{received}', '{received}', false)""")  # fmt: skip
    build(settings, "eu", days=days)
    publish_now(settings)
    assert final_days(settings) == [days[0], days[2]]


def test_a_corrupt_archive_is_lost_until_it_comes_whole(settings: Settings) -> None:
    facts = {"kind": "events", "name": "a", "partition": 0, "start": 0}
    change(settings, "eu", ARCHIVE.format(id=1, state="corrupt", records=0, **facts))
    build(settings, "eu")
    publish_now(settings)
    assert final_days(settings) == []
    change(settings, "eu", ARCHIVE.format(id=2, state="loaded", records=9, **facts))
    build(settings, "eu")
    publish_now(settings)
    assert final_days(settings) == DAYS


def test_what_changed_against_the_version_before_is_booked_and_stays(shop: Settings) -> None:
    publish_now(shop)
    assert ask(shop, "select count(*) from finance.restatements") == [(0,)]
    build(shop, "eu", revenue=130, days=DAYS[:1])
    build(shop, "us", days=[*DAYS, date(2026, 2, 2)])  # a new day is no restatement
    publish_now(shop)
    booked = """select version, "table", date, region, revenue_change::int, orders_change, spend_change::int, why
        from finance.restatements order by all"""
    expected = [
        (2, "orders_daily", DAYS[0], "eu", 30, 0, None, "behaviour"),
        (2, "romi_daily", DAYS[0], "eu", 30, None, 0, "behaviour"),
        (2, "romi_monthly", date(2026, 1, 1), "eu", 30, None, 0, "behaviour"),
    ]
    assert ask(shop, booked) == expected
    change(shop, "eu", f"""update finance.romi_daily set channel = 'Email'
        where date = '{DAYS[1]}' and attribution_model = 'linear';
        update ops.days set build = 99, rebuilt_for = 'orders' where day = '{DAYS[1]}'""")  # fmt: skip
    publish_now(shop)
    assert ask(shop, booked)[:3] == expected
    moved = "select date, revenue_change::int, credit_moved::int, why from finance.restatements where version = 3"
    assert ask(shop, moved) == [(DAYS[1], 0, 100, "orders")]


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("update finance.romi_daily set revenue = revenue - 1 where attribution_model = 'linear'", "does not add up"),
        ("update finance.romi_daily set conversions = 0", "does not add up"),
        ("delete from finance.romi_daily where date = '2026-01-30'", "does not add up"),
        ("insert into finance.spend_daily from finance.spend_daily", "twice"),
        ("update finance.spend_daily set channel = null", "without"),
        ("update finance.spend_daily set region = 'mars'", "regions that meta.versions"),
    ],
)
def test_the_audit_refuses_a_broken_version(shop: Settings, damage: str, finding: str) -> None:
    publish_now(shop)
    before = stand(shop)
    build(shop, "eu", revenue=200)
    change(shop, "eu", damage)
    with pytest.raises(PermanentError, match=finding):
        publish(shop)
    assert stand(shop) == before
    assert not list(shop.versions_dir.glob(".*"))


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from operations.publish import publish
from settings import Region, Settings
module, name = sys.argv[3].rsplit(".", 1)
owner = {"os": os, "path": Path}[module]
setattr(owner, name, lambda *_, **__: os._exit(9))
publish(Settings(warehouse=Path(sys.argv[2]), regions={"eu": Region(), "us": Region()}))
"""


@pytest.mark.parametrize("step", ["path.chmod", "os.fsync", "os.symlink", "os.rename", "os.replace"])
def test_a_run_killed_at_any_step_leaves_the_old_version_and_the_next_completes(shop: Settings, step: str) -> None:
    publish_now(shop)
    build(shop, "eu", revenue=200)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(ROOT), str(shop.warehouse), step], check=False)
    assert killed.returncode == 9
    assert revenue_by_day(shop) == dict.fromkeys(DAYS, 100)
    assert version_ids(shop) == [1]
    assert publish_now(shop).version == 2
    assert revenue_by_day(shop) == dict.fromkeys(DAYS, 200)
    assert sorted(path.name for path in shop.versions_dir.iterdir()) == ["000001", "000002"]
    assert {path.name for path in shop.warehouse.iterdir()} == {"books", "published", "regions", "versions"}


@pytest.mark.parametrize("function", ["rename", "replace"])
def test_a_swap_that_fails_leaves_the_old_version_and_the_next_completes(
    shop: Settings, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    publish_now(shop)
    build(shop, "eu", revenue=200)
    real = getattr(os, function)

    def fail(source: Path, target: Path) -> None:
        if Path(target).name in ("published", "000002"):
            raise OSError("disk gone")
        real(source, target)

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="disk gone"):
        publish(shop)
    monkeypatch.undo()
    assert revenue_by_day(shop) == dict.fromkeys(DAYS, 100)
    assert publish_now(shop).version == 2


def test_a_reader_keeps_the_version_it_opened(shop: Settings) -> None:
    publish_now(shop)
    reader = duckdb.connect(str(shop.published.resolve() / "marts.duckdb"), read_only=True)
    try:
        build(shop, "eu", revenue=200)
        publish_now(shop)
        old = reader.execute("select distinct revenue::int from finance.orders_daily").fetchall()
    finally:
        reader.close()
    assert old == [(100,)]
    assert revenue_by_day(shop) == dict.fromkeys(DAYS, 200)


def test_every_published_column_is_documented(shop: Settings) -> None:
    publish_now(shop)
    undocumented = """
        select schema_name, table_name, column_name from duckdb_columns() where not internal and database_name = 'marts'
        except select schema_name, table_name, column_name from meta.columns
        where meaning != '' and unit != '' and source != ''"""
    assert ask(shop, undocumented) == []
    assert len(dictionary()) == sum(len(table.columns) for table in PUBLISHED)
    units = dict(ask(shop, "select column_name, unit from meta.columns where table_name = 'romi_daily'"))
    expected = {
        "revenue": "reporting currency",
        "cpa": "reporting currency per conversion",
        "roas": "ratio",
        "clicks": "count",
    }
    assert units | expected == units


def test_rollback_pins_until_unpinned(shop: Settings) -> None:
    publish_now(shop)
    build(shop, "eu", revenue=200)
    publish_now(shop)
    rollback(shop, 1)
    assert revenue_by_day(shop) == dict.fromkeys(DAYS, 100)
    assert (current_version(shop), pinned_version(shop)) == (1, 1)
    assert [one.is_current for one in versions(shop)] == [True, False]
    build(shop, "us", revenue=300)
    assert publish(shop) is None
    assert unpin(shop)
    assert not unpin(shop)
    assert publish_now(shop).version == 3
    assert (revenue_by_day(shop), revenue_by_day(shop, "us")) == (dict.fromkeys(DAYS, 200), dict.fromkeys(DAYS, 300))


def test_rollback_names_the_versions_there_are(shop: Settings) -> None:
    publish_now(shop)
    with pytest.raises(UnknownValueError, match="known: 1"):
        rollback(shop, 7)
    assert pinned_version(shop) is None


def test_versions_tell_what_is_inside(shop: Settings) -> None:
    publish_now(shop)
    (only,) = versions(shop)
    assert (only.id, only.built_at, only.is_current) == (1, NOW.replace(tzinfo=None), True)
    assert only.regions["eu"].input_watermark == datetime(2026, 5, 1)
    assert not only.regions["eu"].carried_over


def test_a_region_that_grows_publishes_the_new_day(shop: Settings) -> None:
    publish_now(shop)
    build(shop, "eu", days=[DAYS[-1] + timedelta(1)])
    publish_now(shop)
    assert list(revenue_by_day(shop)) == [*DAYS, DAYS[-1] + timedelta(1)]


def test_another_reporting_currency_carries_nothing_over(shop: Settings) -> None:
    publish_now(shop)
    change(shop, "eu", f"update ops.days set withheld_reason = 'no rate' where day = '{DAYS[0]}'")
    publish_now(shop.model_copy(update={"reporting_currency": "USD"}))
    assert list(revenue_by_day(shop)) == DAYS[1:]
