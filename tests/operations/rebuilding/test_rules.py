"""Changed rules: rebuilding the tables that they move gives the same as rebuilding all of them."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from ingestion.books import region_file
from operations.rebuilding import plan, rebuild
from operations.rebuilding.engine import Graph, manifest
from operations.rebuilding.rebuild import Asked
from tests.operations.rebuilding import test_finality
from tests.operations.rebuilding.engine import test_project
from tests.operations.rebuilding.engine.test_project import COSTS, edit
from tests.operations.rebuilding.test_finality import COST, Shop, order, view

shop, copied = test_finality.shop, test_project.copied
MARTS = "models/marts/finance"
EDITS = {
    "position": ("macros/attribution.sql", "when touch_count = 2 then 1", "when touch_count = 2 then touch_number"),
    "spend": (COSTS, "costs.clicks,", "costs.clicks + 1 as clicks,"),
    "orders": (f"{MARTS}/orders_daily.sql", "count(*) as orders,", "count(*) + 1 as orders,"),
    "seed": ("seeds/channel_sources.csv", "google,search", "google,social"),
    "learned": ("models/intermediate/attribution/int_attribution__channel_weights.py", "float(value), float",
                "float(value) / 2, float"),
}  # fmt: skip


def _plan(shop: Shop) -> None:
    with region_file(shop.settings, "eu") as con:
        plan.plan(con, shop.settings, "eu")


def rebuild_pending(shop: Shop) -> set[str]:
    """Rebuild what is pending; returns the tables, or none where some window takes all of them."""
    with region_file(shop.settings, "eu", read_only=True) as con:
        windows = [(*window, plan.tables_to_rebuild(con, *window)) for window in plan.windows(con)]
    assert windows
    for first, last, tables in windows:
        asked = None if tables is None else Asked(frozenset(tables))
        rebuild.build(shop.settings, "eu", first, last, asked, lambda *_: None)
        rebuild.settle(shop.settings, "eu", first, last)
    assert shop.query("from ops.pending_days") == []
    return set() if any(tables is None for *_, tables in windows) else {name for *_, of in windows for name in of}


def _differences(one: Shop, other: Shop) -> dict[str, int]:
    """Rows by table that are in one region's file alone."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for name, shop in (("one", one), ("other", other)):
            con.execute(f"attach '{shop.settings.region_file('eu')}' as {name} (read_only)")
        tables = con.execute("""select schema_name, table_name from duckdb_tables() where database_name = 'one'
            and schema_name in ('intermediate', 'finance')""").fetchall()
        found = {}
        for schema, table in tables:
            # Proofs tell of the builds that made them.
            if table in Graph.of(manifest()).passing or table == "int_privacy__proofs":
                continue
            names = [f"{database}.{schema}.{table}" for database in ("one", "other")]
            both = " union all ".join(f"(from {a} except all from {b})" for a, b in (names, names[::-1]))
            if rows := con.execute(f"select count(*) from ({both})").fetchall()[0][0]:
                found[table] = rows
        assert len(tables) > 20
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_a_region_rebuilt_by_what_an_edit_moves_equals_one_rebuilt_whole(name, shop, copied, tmp_path):
    # By events that came late: of January's, which are final, none moves anything.
    shop.events(
        view("m7", "2026-03-02T09:00:00Z", "google", "organic", "seen"), order("m8", "2026-03-03T09:00:00Z", "o3", 7)
    )
    shop.table("spend/google_ads", COST, ["2026-03-02", 1, "brand", 9, 1, 20, "EUR"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_project.project, "DBT_PROJECT", test_project.DBT_PROJECT)
        shop.build()
    shutil.copytree(tmp_path / "warehouse", tmp_path / "before" / "warehouse")
    file, old, new = EDITS[name]
    edit(copied / file, old, new)

    _plan(shop)
    moved = rebuild_pending(shop)
    shutil.copytree(tmp_path / "landing", tmp_path / "before" / "landing")
    whole = Shop(tmp_path / "before")
    with region_file(whole.settings, "eu") as con:
        con.execute("delete from ops.meta where key in ('rules', 'table_digests')")
    _plan(whole)
    assert rebuild_pending(whole) == set()
    assert _differences(shop, whole) == {}
    assert moved
    assert ("int_spend__daily_costs" in moved) == (name == "spend")


@pytest.mark.slow
def test_an_edit_and_late_records_at_once_give_what_each_would_have(shop, copied, tmp_path):
    shutil.copytree(tmp_path / "warehouse", tmp_path / "before" / "warehouse")
    file, old, new = EDITS["position"]
    edit(copied / file, old, new)
    shop.events(view("m7", "2026-03-02T09:00:00Z", "google", "organic", "seen"))
    shop.load()
    with region_file(shop.settings, "eu", read_only=True) as con:
        windows = plan.windows(con)
        tables = [plan.tables_to_rebuild(con, *window) for window in windows]
    assert [one is None for one in tables] == [False, True]  # January by its rules alone, March whole
    rebuild_pending(shop)
    shutil.copytree(tmp_path / "landing", tmp_path / "before" / "landing")
    whole = Shop(tmp_path / "before")
    with region_file(whole.settings, "eu") as con:
        con.execute("delete from ops.meta where key in ('rules', 'table_digests')")
    whole.load()
    rebuild_pending(whole)
    assert _differences(shop, whole) == {}
