"""What is published, in a real PostgreSQL: the same, switched whole, for those who may read it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import date

import duckdb
import pytest

from operations.finance_tables.published_tables import COLUMNS, PUBLISHED, dictionary
from operations.publishing.targets import postgres
from operations.publishing.targets.postgres import deliver
from operations.store.versions import show_again
from settings import PermanentError, Settings, TransientError, UsageError, load_settings
from tests.end_to_end import conftest
from tests.end_to_end.conftest import order
from tests.operations.publishing.conftest import write_version

psycopg = pytest.importorskip("psycopg")
shop = conftest.shop
NAMES = ['=HYPERLINK("http://x")', "<script>1</script>", "x" * 300, "\\N", "", 'a "b", c\nd', "t\tab\\", "nul\0l"]


@pytest.fixture
def settings(tmp_path, database, monkeypatch):
    monkeypatch.setenv("ROMI_POSTGRES", database)
    return Settings(warehouse=tmp_path / "warehouse", publish={"postgres": {}})


def _orders(number: int, rows: int = 50) -> str:
    """A version that says its number in every row of two tables."""
    region = f"'r' || unnest(range({rows}))"
    return f"""
        insert into finance.orders_daily (date, region, orders) select '2026-03-01', {region}, {number};
        insert into finance.spend_daily (date, region, platform, channel, campaign, clicks)
            select '2026-03-01', {region}, 'p', 'c', 'x', {number}"""


def test_tables_columns_types_rows_and_comments_are_those_of_the_files(settings, database):
    folder = write_version(settings, 1, "")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.executemany(
            "insert into finance.spend_daily (date, region, platform, channel, campaign, spend, impressions, clicks)"
            " values ('2026-03-01', 'eu', 'p', null, ?, 12.34, null, 7)",
            [[name] for name in NAMES],
        )
        con.execute("""insert into finance.romi_monthly (month, region, roas, conversions, is_final, spend)
            values ('2026-03-01', 'eu', 0.1 + 0.2, 1.000001, true, -9999999999999999.99)""")
        con.execute(
            "insert into meta.versions by name select 1 as version, timestamp '2026-03-20 12:00:00.25' as built_at,"
            " 'eu' as region, null as input_watermark, 0 as withheld_days, false as carried_over"
        )
    delivered = deliver(settings)
    assert delivered.version == 1
    assert delivered.rows['finance."spend_daily"'] == len(NAMES)
    with psycopg.connect(database) as there, duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as here:
        for table in PUBLISHED:
            columns = list(table.columns)
            assert [one.name for one in there.execute(f"select * from {table}").description] == columns
            listed = ", ".join(f'"{name}"' for name in columns)
            found = there.execute(f"select {listed} from {table}").fetchall()
            wanted = [
                tuple(cell.replace("\0", "") if isinstance(cell, str) else cell for cell in row)
                for row in here.execute(f"select {listed} from {table}").fetchall()
            ]
            assert sorted(found, key=repr) == sorted(wanted, key=repr), table
        meanings = there.execute(
            "select col_description('finance.romi_daily'::regclass, attnum) from pg_attribute"
            " where attrelid = 'finance.romi_daily'::regclass and attname = 'margin'"
        ).fetchone()[0]
        [meaning] = [row[3] for row in dictionary() if row[:3] == ("finance", "romi_daily", "margin")]
        assert meanings.startswith(meaning)
        assert "contract version 1" in there.execute("select obj_description('finance'::regnamespace)").fetchone()[0]
        types = dict(there.execute(
            "select column_name, data_type || coalesce('(' || numeric_precision || ',' || numeric_scale || ')', '')"
            " from information_schema.columns where table_schema = 'finance' and table_name = 'spend_daily'"
        ).fetchall())  # fmt: skip
        assert types["spend"] == "numeric(18,2)"
        assert types["campaign"] == "text"
    assert deliver(settings) is None


@contextmanager
def _reading(database: str):
    """Reads in two threads, one statement by statement and one in snapshots, until told to stop; and what they read."""
    found, errors, stop = [], [], threading.Event()
    told = """
        select version, (select min(orders) from finance.orders_daily), (select max(orders) from finance.orders_daily),
            (select min(clicks) from finance.spend_daily), (select count(*) from finance.spend_daily)
        from meta.delivered"""

    def read(level) -> None:
        try:
            with psycopg.connect(database) as connection:
                connection.isolation_level = level
                while not stop.is_set():
                    first = connection.execute(told).fetchone()
                    again = connection.execute(told).fetchone()
                    connection.commit()
                    found.append(first)
                    if level == psycopg.IsolationLevel.REPEATABLE_READ and first != again:
                        errors.append((first, again))
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=read, args=[level]) for level in
               (psycopg.IsolationLevel.READ_COMMITTED, psycopg.IsolationLevel.REPEATABLE_READ)]  # fmt: skip
    for thread in threads:
        thread.start()
    try:
        yield found, errors
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("versions", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_readers_meet_no_failed_and_no_mixed_read_while_versions_are_switched(settings, database, versions):
    write_version(settings, 1, _orders(1))
    assert deliver(settings)
    with _reading(database) as (found, errors):
        for number in range(2, versions):
            write_version(settings, number, _orders(number))
            assert deliver(settings).version == number
    assert errors == []
    assert {row[0] for row in found} <= set(range(1, versions))
    assert all(row == (row[0], row[0], row[0], row[0], 50) for row in found)


def test_the_public_role_sees_what_is_released_and_nothing_else(settings, database):
    write_version(settings, 1, _orders(1))
    deliver(settings)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set role romi_public")
        connection.execute("select * from released.channel_monthly, released.columns, released.versions")
        for hidden in ("finance.orders_daily", "meta.versions", "meta.delivered"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select * from {hidden}")
        connection.execute("reset role; set role romi_finance")
        assert connection.execute("select count(*) from finance.orders_daily").fetchone() == (50,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from finance.orders_daily")


def test_a_delivery_that_was_cut_off_changes_nothing_and_the_next_one_is_whole(settings, database, monkeypatch):
    write_version(settings, 1, _orders(1))
    deliver(settings)
    write_version(settings, 2, _orders(2))
    replace = postgres._replace

    def cut_off(connection, target, shown):
        if target.table is COLUMNS:
            connection.execute("select pg_terminate_backend(pg_backend_pid())")
        return replace(connection, target, shown)

    monkeypatch.setattr(postgres, "_replace", cut_off)
    with pytest.raises(TransientError, match=r"PostgreSQL \(ROMI_POSTGRES\) .*the next `romi run` delivers"):
        deliver(settings)
    monkeypatch.setattr(postgres, "_replace", replace)
    with psycopg.connect(database) as connection:
        assert connection.execute("select distinct orders from finance.orders_daily").fetchall() == [(1,)]
    assert deliver(settings).version == 2
    show_again(settings, 1)  # as a rollback does
    assert deliver(settings).version == 1


def test_a_server_that_is_not_there_is_said_and_no_secret_is(settings, monkeypatch, tmp_path):
    write_version(settings, 1, "")
    monkeypatch.setenv("ROMI_POSTGRES", f"host={tmp_path} user=x password=hush-hush")
    with pytest.raises(TransientError, match="cannot be reached") as unreachable:
        deliver(settings)
    monkeypatch.setenv("ROMI_POSTGRES", "hush-hush")
    with pytest.raises(UsageError, match="is not a connection string") as malformed:
        deliver(settings)
    assert "hush" not in f"{unreachable.value} {malformed.value}"
    monkeypatch.delenv("ROMI_POSTGRES")
    with pytest.raises(UsageError, match="ROMI_POSTGRES is not set"):
        deliver(settings)
    assert deliver(Settings(warehouse=settings.warehouse)) is None


def test_a_connection_string_in_the_configuration_is_refused(tmp_path):
    (tmp_path / "romi.yaml").write_text("publish: {postgres: {environment: 'postgresql://u:pw@host/db'}}\n")
    with pytest.raises(UsageError):
        load_settings(tmp_path / "romi.yaml")
    (tmp_path / "romi.yaml").write_text("publish: {postgres: {}}\n")
    assert load_settings(tmp_path / "romi.yaml").publish.postgres.environment == "ROMI_POSTGRES"
    (tmp_path / "romi.yaml").write_text("publish: {postgres: null}\n")
    assert load_settings(tmp_path / "romi.yaml").publish.postgres is None


def test_tables_of_others_are_left_alone_and_a_column_that_is_new_is_added(settings, database):
    write_version(settings, 1, _orders(1))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create schema finance create table theirs (x int)")
        with pytest.raises(PermanentError, match="give it a database of its own"):
            deliver(settings)
        connection.execute("drop schema finance cascade")
        deliver(settings)
        connection.execute("create view public.mine as select date, orders from finance.orders_daily")
        connection.execute("alter table finance.orders_daily drop column new_customers")
        folder = write_version(settings, 2, _orders(2))
        with duckdb.connect(str(folder / "marts.duckdb")) as con:
            con.execute("alter table finance.orders_daily drop margin")  # as a release before it was added left it
        deliver(settings)
        assert connection.execute("select distinct orders from public.mine").fetchall() == [(2,)]
        assert connection.execute("select distinct new_customers, margin from finance.orders_daily").fetchone() == (
            None,
            None,
        )


def test_a_table_or_a_column_that_somebody_dropped_is_delivered_again_and_not_left_empty(settings, database):
    write_version(settings, 1, _orders(1))
    deliver(settings)
    assert deliver(settings) is None
    for dropped in ("table finance.orders_daily", "column orders"):
        with psycopg.connect(database) as connection:
            is_table = dropped.startswith("table")
            connection.execute(f"drop {dropped}" if is_table else f"alter table finance.orders_daily drop {dropped}")
        assert deliver(settings).version == 1
        with psycopg.connect(database) as connection:
            assert connection.execute("select count(orders) from finance.orders_daily").fetchall() == [(50,)]
        assert deliver(settings) is None


def test_rows_that_somebody_changed_by_hand_are_delivered_again(settings, database):
    write_version(settings, 1, _orders(1))
    deliver(settings)
    assert deliver(settings) is None
    everything = "select region, orders from finance.orders_daily order by 1, 2"
    for change in (
        "delete from finance.orders_daily where ctid in (select ctid from finance.orders_daily limit 1)",
        "update finance.orders_daily set orders = orders + 1",
        "update finance.orders_daily set orders = 0 where ctid in (select ctid from finance.orders_daily limit 1)",
        "insert into finance.orders_daily (date, region) values ('2026-01-01', 'eu')",
        "truncate finance.orders_daily",
    ):
        with psycopg.connect(database) as connection:
            before = connection.execute(everything).fetchall()
            connection.execute(change)
        assert deliver(settings).version == 1, change
        with psycopg.connect(database) as connection:
            assert connection.execute(everything).fetchall() == before
        assert deliver(settings) is None


@pytest.mark.slow
def test_a_run_says_that_it_could_not_deliver_and_the_next_one_delivers(shop, database, monkeypatch):
    shop.configure("privacy: {k_anonymity: 1}\npublish: {postgres: {}}\n")
    shop.archive("eu", 0, [order("m2", "2026-03-02T10:00:00Z", "o-1", 50)])
    monkeypatch.setenv("ROMI_POSTGRES", f"host={shop.folder}")
    code, outcome = shop.romi("run")
    assert (code, outcome["version"]) == (1, 1)
    assert [line for line in outcome["failures"] if "PostgreSQL (ROMI_POSTGRES) cannot be reached" in line], outcome[
        "failures"
    ]
    monkeypatch.setenv("ROMI_POSTGRES", database)
    code, outcome = shop.romi("run")
    assert (code, outcome["failures"]) == (0, [])
    with psycopg.connect(database) as connection:
        assert connection.execute("select date, orders from finance.orders_daily").fetchall() == [(date(2026, 3, 2), 1)]
