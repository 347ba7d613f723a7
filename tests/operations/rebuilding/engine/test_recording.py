"""A replayed build leaves and tells what dbt leaves and tells, and where it cannot be made, dbt makes it."""

from __future__ import annotations

import shutil
from copy import deepcopy
from datetime import date, datetime, timedelta

import pytest

from ingestion.books import region_file
from operations.rebuilding.engine import engine_of, kept_builds, on_duckdb, project
from operations.rebuilding.engine.recording import Call
from operations.rebuilding.engine.variables import variables
from tests.kit.dbt import Dbt
from tests.kit.raw_region import Region
from tests.operations.rebuilding import test_finality

shop = test_finality.shop
FEBRUARY, MARCH = ("2026-02-01", "2026-02-28"), ("2026-03-01", "2026-03-31")
CHANNELS = [("google", "cpc", "brand"), ("news", "email", "w9"), ("t.co", "social", "x")]


def fill(region: Region, buyers: int, cents: int) -> None:
    """Persons with visits of several channels and an order each, in events and ledger, from mid-February on."""
    begin = datetime(2026, 2, 14, 9)
    events, ledger = [], []
    for n in range(buyers):
        at = begin + timedelta(days=3 * n)
        events += [region.event(at, user=n % 5, campaign=CHANNELS[(n + k) % 3]) for k in range(n % 4)]
        events.append(region.order(at + timedelta(hours=3), f"o{n}", cents + n, user=n % 5))
        ledger.append(region.ledger(f"o{n}", at + timedelta(hours=3), cents + n, refunded=n))
    region.insert("events", events)
    region.insert("ledger_orders", ledger)
    region.insert("spend", [region.cost(begin.date(), "1", cents, name="brand")])


def contents(region: Region) -> dict[str, list[tuple]]:
    tables = region.query("""
        select schema_name || '.' || table_name from duckdb_tables()
        where schema_name in ('staging', 'intermediate', 'finance') order by 1""")
    return {name: sorted(region.query(f"from {name}"), key=repr) for (name,) in tables}


@pytest.fixture
def in_cache(tmp_path, monkeypatch):
    """A cache of its own under a name, with all in it but recorded builds."""
    project.manifest()
    whole = project.cache_folder()

    def use(name):
        if not (tmp_path / name).exists():
            shutil.copytree(whole, tmp_path / name, ignore=shutil.ignore_patterns("build-*"))
        monkeypatch.setenv("ROMI_CACHE", str(tmp_path / name))
        return lambda: sorted((tmp_path / name).glob("*/build-*"))

    return use


def assert_replayed_as_built(tmp_path, in_cache, models) -> None:
    dbt = Dbt(tmp_path / "dbt").of(models)
    first, replayed, built = (Region(tmp_path / f"{name}.duckdb") for name in ("first", "replayed", "built"))
    fill(first, 4, 1000)
    for region in (replayed, built):
        fill(region, 13, 2345)
    for number, window in enumerate((FEBRUARY, MARCH, FEBRUARY)):  # the second time over rows that are there
        recorded = in_cache("recorded")
        dbt.build(first, *window)
        dbt.build(replayed, *window)
        assert len(recorded()) == min(number + 1, 2), "the second February is March's build, with other days"
        in_cache(f"fresh {number}")
        dbt.build(built, *window)
    assert contents(replayed) == contents(built)
    assert contents(replayed) != contents(first)


def test_a_replayed_build_leaves_the_rows_that_dbt_leaves(tmp_path, in_cache):
    assert_replayed_as_built(tmp_path, in_cache, ("int_orders__conversions",))


@pytest.mark.slow
def test_a_replayed_build_of_all_models_leaves_the_rows_that_dbt_leaves(tmp_path, in_cache):
    assert_replayed_as_built(tmp_path, in_cache, ())


WINDOW = date(2026, 1, 1), date(2026, 3, 31)
GRAIN = "spend_daily_has_one_row_per_grain"


def built(shop, chosen):
    """What a build did, in the order of names, and its events without what no two builds share."""
    events = []
    found = engine_of(shop.settings).build(
        shop.settings, "eu", *WINDOW, chosen, lambda one: events.append(deepcopy(one))
    )
    for names in (found.models, found.tests, found.failed_tests):
        names.sort()  # dbt builds in several threads
    events.sort(key=lambda one: one["data"]["node_info"]["unique_id"])
    for event in events:
        for name in ("ts", "invocation_id", "pid", "thread", "msg"):
            assert event["info"].pop(name)
        assert event["data"].pop("execution_time") > 0
        began, ended = (event["data"]["node_info"].pop(f"node_{name}_at") for name in ("started", "finished"))
        assert began <= ended
        event["data"].setdefault("num_failures", 0)
    return found, events


def test_the_checks_of_a_replay_are_judged_by_what_they_find_and_told_as_dbt_tells_them(
    shop, in_cache, monkeypatch, request
):
    kept = in_cache("cache")
    passing = built(shop, [GRAIN])
    assert len(kept()) == 1
    with monkeypatch.context() as patch:
        patch.setattr(on_duckdb, "_invoke", None)
        assert built(shop, [GRAIN]) == passing
        with region_file(shop.settings, "eu") as con:
            con.execute("insert into finance.spend_daily from finance.spend_daily limit 1")
        replayed = built(shop, [GRAIN])
    assert replayed[0].failed_tests == [GRAIN]
    assert [(one["data"]["status"], one["data"]["num_failures"]) for one in replayed[1]] == [("fail", 1)]
    request.getfixturevalue("real_dbt")
    assert built(shop, [GRAIN]) == replayed


def recorded(shop):
    """The name of the last build's recording, and the recording."""
    [path] = (project.cache_folder() or shop.settings.warehouse).glob("*/build-*")
    found = kept_builds.find(path.name)
    assert found
    return path.name, found


def test_where_a_statement_of_a_replay_fails_dbt_makes_the_build(shop, in_cache):
    in_cache("cache")
    tables = ["int_spend__daily_costs", "spend_daily"]
    done, _ = built(shop, tables)
    rows = shop.query("from finance.spend_daily order by all")
    name, kept = recorded(shop)
    last = max(
        n for n, call in enumerate(kept.calls) if "spend_daily" in str(call.arguments) and call.kind == "execute"
    )
    kept.calls[last] = Call(
        "execute", kept.calls[last].cursor, ("insert into region.finance.spend_daily select 1", None)
    )
    kept_builds.keep(name, kept)
    assert built(shop, tables)[0] == done
    assert shop.query("from finance.spend_daily order by all") == rows
    assert rows


def test_a_recording_of_which_a_part_is_lost_is_none(shop, in_cache):
    kept = in_cache("cache")
    tables = ["int_spend__daily_costs", "spend_daily"]
    done, _ = built(shop, tables)
    [path] = kept()
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert built(shop, tables)[0] == done
        assert path.read_bytes() != damaged


def test_what_is_built_by_other_rules_or_in_other_tables_is_another_build(shop):
    def name(**told):
        with region_file(shop.settings, "eu", read_only=True) as con:
            return kept_builds.name_of(con, {**variables(shop.settings, "eu", *WINDOW), **told}, ["build"])

    same = name()
    assert name(from_date="2026-01-02", to_date="2026-03-30", region="us") == same
    in_berlin, in_tokyo = name(timezone="Europe/Berlin"), name(timezone="Asia/Tokyo")
    assert in_berlin == in_tokyo
    others = [
        name(from_date="2026-03-31"), name(kept_through="2026-01-31"), name(k_anonymity=11), name(timezone="UTC"),
        name(region="(other)"), name(experiments=[{"name": "x", "from_date": "2026-01-01"}]),
    ]  # fmt: skip
    with region_file(shop.settings, "eu") as con:
        con.execute("alter table finance.spend_daily add column more integer")
    assert len({same, in_berlin, name(), *others}) == 8


def test_for_other_days_and_another_region_only_their_names_differ_in_what_dbt_compiles(shop):
    engine, told = engine_of(shop.settings), variables(shop.settings, "eu", *WINDOW)
    ones, others = {"region": "eu", "timezone": "Europe/Berlin"}, {"region": "jp", "timezone": "Asia/Tokyo"}
    for number, name in enumerate(name for name in kept_builds.PRINTED if name not in ones):
        ones[name], others[name] = f"2025-1{number // 5}-{number + 11}", f"2024-0{number + 1}-{28 - number}"
    assert {*ones} == {*kept_builds.PRINTED}
    one, other = engine.compiled({**told, **ones}), engine.compiled({**told, **others})
    for model, statements in one.items():
        for name in kept_builds.PRINTED:
            statements = [sql.replace(f"'{ones[name]}'", f"'{others[name]}'") for sql in statements]
        assert statements == other[model]
    assert one != other
