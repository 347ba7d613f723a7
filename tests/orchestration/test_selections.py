"""Any selection of assets and checks, for a day and a region, ends right or says what has to be built with it."""

from __future__ import annotations

import re
import shutil

import dagster as dg
import pytest

from ingestion.books import region_file
from orchestration import pipeline
from orchestration.definitions import defs
from orchestration.failures import cause_of
from orchestration.partitions import region_days, regions
from settings import Settings, load_settings
from tests.end_to_end import conftest
from tests.end_to_end.conftest import NOW, Shop, campaign, order, page
from tests.end_to_end.test_main_job import ledger_row

shop = conftest.shop
DAY = "2026-03-02"
GRAPH = defs().get_repository_def().asset_graph
ASSETS = sorted(key.to_user_string() for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).is_materializable)
GROUPS = sorted({GRAPH.get(dg.AssetKey.from_user_string(key)).group_name for key in ASSETS})
BUILT = [key for key in ASSETS if key.startswith(("staging/", "intermediate/", "finance/"))]


@pytest.fixture(scope="module")
def prebuilt(tmp_path_factory):
    """A warehouse of two regions with a version, as `romi run` leaves it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", NOW)
        patch.delenv("ROMI_KEY_FILE", raising=False)
        shop = Shop(tmp_path_factory.mktemp("prebuilt"))
        shop.configure("privacy: {k_anonymity: 1}\n")
        for region in ("eu", "us"):
            shop.archive(region, 0, [
                page(f"{region}-1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
                page(f"{region}-2", "2026-03-01T19:00:00Z", context=campaign("news", "email", "w9")),
                order(f"{region}-3", "2026-03-02T10:00:00Z", "o-1", 40),
            ])  # fmt: skip
            # Not the same file twice: a region with another's files is taken for that one, renamed.
            revenue = "40.00" if region == "eu" else "40.0"
            shop.table(region, "ledger/orders.csv", [ledger_row("o-1", "2026-03-02T10:00:00Z", revenue)])
        code, told = shop.romi("run")
        assert code == 0, told["failures"]
        yield shop


@pytest.fixture
def shop_again(prebuilt, tmp_path, monkeypatch):
    """A copy of it."""
    monkeypatch.setenv("ROMI_NOW", NOW)
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    for path in prebuilt.folder.iterdir():
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, tmp_path / path.name, **({"symlinks": True} if path.is_dir() else {}))
    again = Shop.__new__(Shop)
    again.folder, again.landing, again.warehouse = tmp_path, tmp_path / "landing", tmp_path / "warehouse"
    return again


def _settings(shop: Shop) -> Settings:
    return load_settings(shop.folder / "romi.yaml", warehouse=shop.warehouse, landing=str(shop.landing))


def _materialize(
    shop: Shop, selection: dg.AssetSelection, partitions: list[str] | None = None
) -> dg.ExecuteInProcessResult:
    """What Dagster's own API makes of a selection, with the partition that its assets have, or a range of some."""
    keys = selection.resolve(GRAPH) or {check.asset_key for check in selection.resolve_checks(GRAPH)}
    kinds = {GRAPH.get(key).partitions_def for key in keys}
    [kind] = kinds
    place = {"landing": str(shop.landing), "warehouse": str(shop.warehouse), "config": str(shop.folder / "romi.yaml")}
    job = dg.define_asset_job("chosen", selection).resolve(asset_graph=GRAPH)
    chosen = partitions or ([f"{DAY}|eu"] if kind == region_days else ["eu"] if kind == regions else [])
    tags = dict(zip(("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"), chosen, strict=False))
    with pipeline.instance(_settings(shop)) as journal:
        return job.execute_in_process(
            instance=journal, run_config={"resources": {"warehouse": {"config": place}}}, raise_on_error=False,
            **({"partition_key": chosen[0]} if len(chosen) == 1 else {"tags": tags}),
        )  # fmt: skip


def _said(result: dg.ExecuteInProcessResult) -> str:
    [failure] = result.get_step_failure_events()
    return cause_of([failure])[0]


def _ends_right(shop: Shop, selection: dg.AssetSelection) -> None:
    """It ends, or says in a sentence what has to be built with it; what is published before and after is the same."""
    before = shop.rows()
    result = _materialize(shop, selection)
    if not result.success:
        assert re.search(r"(which (is|are) not built yet: build|run the models of these days first)", _said(result))
    assert _materialize(shop, dg.AssetSelection.groups("published")).success
    waiting = ("data_quality",)  # it says that a day waits, which stands as last published
    assert {name: rows for name, rows in shop.rows().items() if name not in waiting} == {
        name: rows for name, rows in before.items() if name not in waiting
    }
    code, outcome = shop.romi("run")
    assert (code, outcome["withheld"], outcome["failures"]) == (0, {}, [])
    with region_file(_settings(shop), "eu", read_only=True) as con:
        assert con.execute("from ops.pending_days").fetchall() == []
    assert shop.rows() == before


@pytest.mark.slow  # below romi_daily and a reconciliation are built for single days
@pytest.mark.parametrize("key", ASSETS)
def test_every_asset_alone_ends_right_for_one_day_and_region(shop_again, key):
    _ends_right(shop_again, dg.AssetSelection.assets(dg.AssetKey.from_user_string(key)))


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_every_group_alone_ends_right_for_one_day_and_region(shop_again, group):
    _ends_right(shop_again, dg.AssetSelection.groups(group))


def test_days_of_which_nothing_has_landed_are_passed_over_and_the_others_built(shop_again):
    """As "Latest" chooses one, which is ahead of the clock, and "All" does where regions began on different days."""
    before = shop_again.rows()
    for key in ("finance/romi_daily", "finance/reconciliation_daily"):
        chosen = dg.AssetSelection.assets(dg.AssetKey.from_user_string(key))
        assert _materialize(shop_again, chosen, ["2026-03-19|eu"]).success
    chosen = dg.AssetSelection.assets(dg.AssetKey(["finance", "romi_daily"]))
    assert _materialize(shop_again, chosen, ["2026-03-19|eu"]).asset_materializations_for_node("models") == []
    some = _materialize(shop_again, chosen, ["2026-02-01|eu", f"{DAY}|eu"])  # of February there is nothing
    assert some.success
    assert f"{DAY}|eu" in {one.partition for one in some.asset_materializations_for_node("models")}
    code, outcome = shop_again.romi("run")
    assert (code, outcome["failures"], shop_again.rows()) == (0, [], before)


def test_checks_without_their_asset_can_be_run_or_say_that_it_has_to_be_selected():
    together = {"finance/reconciliation_daily", "ops/backup", "ops/retention", "released/channel_monthly"}
    for key in ASSETS:
        asset = dg.AssetKey.from_user_string(key)
        if checks := GRAPH.get_check_keys_for_assets({asset}):
            job = dg.define_asset_job("chosen", dg.AssetSelection.checks(*checks))
            if key in together:
                with pytest.raises(dg.DagsterInvalidSubsetError, match="Please select all asset and check keys"):
                    job.resolve(asset_graph=GRAPH)
            else:
                job.resolve(asset_graph=GRAPH)


def test_a_table_in_a_region_that_is_not_built_says_what_has_to_be_built_with_it(shop_again):
    shop_again.archive("jp", 0, [order("m1", "2026-03-02T10:00:00Z", "o-1", 40)])
    with pipeline.instance(_settings(shop_again)) as journal:
        journal.add_dynamic_partitions(str(regions.name), ["jp"])
    raw = dg.AssetSelection.groups("raw")
    assert _materialize(shop_again, raw, ["jp"]).success
    result = _materialize(shop_again, dg.AssetSelection.assets("finance/spend_daily"), [f"{DAY}|jp"])
    assert _said(result) == (
        "jp: spend_daily reads currencies, int_fx__daily_rates, int_spend__daily_costs, int_spend__original_costs,"
        " which are not built yet: build it with them, or all tables of these days"
    )


@pytest.mark.slow  # rebuilding/engine/test_digests.py says what a rule moves
def test_a_changed_rule_is_followed_by_a_run_of_what_it_moves_and_no_more(shop_again):
    with pipeline.instance(_settings(shop_again)) as journal:
        before = _runs(journal)
    shop_again.configure("privacy: {k_anonymity: 1}\nattribution: {position_weights: ['0.3', '0.3', '0.4']}\n")
    code, outcome = shop_again.romi("run")
    assert (code, outcome["rebuilt_days"] > 0, outcome["failures"]) == (0, True, [])
    with pipeline.instance(_settings(shop_again)) as journal:
        after = _runs(journal)
    again = {key for key in before if after[key] != before[key]}
    assert {
        "finance/romi_daily",
        "finance/reconciliation_daily",
        "intermediate/int_attribution__touch_credits",
    } <= again
    assert not {key for key in again if "spend" in key or "sessions" in key} | again & {"finance/orders_daily"}


def _runs(journal: dg.DagsterInstance) -> dict[str, str]:
    found = {key: journal.get_latest_materialization_event(dg.AssetKey.from_user_string(key)) for key in BUILT}
    return {key: event.run_id for key, event in found.items() if event}
