"""The list of checks: what each says, and that each is silent on a clean shop and sees the fault it is there for."""

from __future__ import annotations

from types import SimpleNamespace

import dagster as dg
import pytest

from ingestion.books import region_file
from operations.dp_release import releases
from orchestration import pipeline
from orchestration.definitions import defs
from orchestration.defs.release import assets as release_assets
from orchestration.partitions import region_days, regions
from orchestration.warehouse import Warehouse
from quality.anomalies import MEASURES
from quality.expectations.catalogue import RULES
from settings import load_settings
from tests.dbt.test_checks import FAULTS
from tests.end_to_end import conftest
from tests.end_to_end.conftest import campaign, order, page
from tests.end_to_end.test_main_job import K1, ledger_row

shop = conftest.shop

# Whose faults are put in here; of the others in tests/dbt/test_checks.py, tests/quality/test_expectations.py and
# tests/quality/test_anomalies.py, each by its name; and of four in the tests of what they check.
HERE = {
    "books_balance", "archives_are_whole", "pandera_contract", "days_can_be_published", "nothing_withheld",
    "service_levels_hold",
}  # fmt: skip
APART = {"budget_holds", "nothing_overdue", "backup_comes_back", "version_audit"}


@pytest.fixture(scope="module")
def graph():
    return defs().get_repository_def().asset_graph


def test_every_check_says_what_it_protects_and_what_to_do_when_it_fails(graph):
    told = {key: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}
    protects = {key: text.partition("If it fails, ") for key, text in told.items()}
    assert {key.name for key, (what, _, remedy) in protects.items() if len(what) < 20 or len(remedy) < 20} == set()


def test_no_check_is_without_a_fault_that_it_must_see(graph):
    covered = {*HERE, *APART, *FAULTS, *(rule.name for rule in RULES), *(f"usual_{one}" for one in MEASURES)}
    assert {key.name for key in graph.asset_check_keys} == covered


def test_checks_of_what_is_rebuilt_by_day_or_region_are_listed_so(graph):
    for key in graph.asset_check_keys:
        asset = graph.get(key.asset_key).partitions_def
        if asset is not None:
            assert asset in (region_days, regions)
            assert graph.get_check_spec(key).partitions_def == asset, key


def evaluations(settings, graph):
    """Of each check that ran last: whether it passed."""
    return {name: one.passed for name, one in last_evaluations(settings, graph).items()}


def last_evaluations(settings, graph):
    with pipeline.instance(settings) as journal:
        records = journal.event_log_storage.get_latest_asset_check_execution_by_key(list(graph.asset_check_keys))
        return {
            (key.asset_key.path[-1], key.name): record.event.asset_check_evaluation
            for key, record in records.items() if record.event
        }  # fmt: skip


@pytest.mark.slow  # each check's own tests hold it: quality/test_slo.py, ingestion/test_contract.py, test_books.py
def test_faults_put_in_are_seen_and_a_clean_shop_is_silent(shop, graph):
    shop.configure(K1)
    shop.archive("eu", 0, [page("m1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
                           order("m2", "2026-03-02T10:00:00Z", "o-1", 50)])  # fmt: skip
    shop.table("eu", "ledger/orders.csv", [ledger_row("o-1", "2026-03-02T10:00:00Z", "50.00")])
    assert shop.romi("run")[0] == 0
    settings = load_settings(shop.folder / "romi.yaml", warehouse=shop.warehouse, landing=str(shop.landing))
    clean = evaluations(settings, graph)
    assert {name for _, name in clean} >= HERE
    assert {key for key, passed in clean.items() if not passed} == set()

    with region_file(settings, "eu") as con:
        con.execute("delete from raw.events where type = 'page'")
        con.execute("insert into ops.sli values ('accuracy', '2026-03-15', '2026-03-15', 200, 50, null)")
        for number, kind in enumerate(("events", "spend", "ledger", "fx"), 900):
            con.execute(
                "insert into ops.archives values (?, ?, ?, '', 0, 0, 1, 1, 'x', 'corrupt', 'contract: x', 1, 0, ?, ?)",
                [number, kind, f"{kind}.x", "2026-03-01", "2026-03-01"],
            )
    shop.table("eu", "ledger/more.csv", [ledger_row("o-2", "2026-03-01T10:00:00Z", "5.00")])
    code, outcome = shop.romi("run")
    assert (code, outcome["withheld"]["eu"]["2026-03-01"]) == (3, "the books of 1 archives do not balance")
    assert outcome["warnings"][0].startswith("eu: 4 files are corrupt and not read")
    assert any(line.startswith("eu: events.x is not read: contract: x") for line in outcome["warnings"])
    assert any(line.startswith("eu accuracy: ") and "(alert: page)" in line for line in outcome["warnings"])
    found = last_evaluations(settings, graph)
    failed = {key for key, one in found.items() if not one.passed}
    runbooks = {key: str(one.metadata["runbook"].value) for key, one in found.items() if "runbook" in one.metadata}
    assert runbooks.keys() == failed
    headed = {key: text.partition("\n")[0] for key, text in runbooks.items()}
    assert headed["reconciliation_daily", "days_can_be_published"] == (
        "[Days are withheld](docs/runbooks.md#days-are-withheld)"
    )
    assert headed["events", "archives_are_whole"] == (
        "[Archives cannot be read whole](docs/runbooks.md#archives-cannot-be-read-whole)"
    )
    assert headed["marts", "service_levels_hold"].endswith("(docs/runbooks.md#an-error-budget-burns-too-fast)")
    contracts = {(table, "pandera_contract") for table in ("events", "spend", "ledger_orders", "fx_rates")}
    assert failed == contracts | {
        ("events", "books_balance"), ("events", "archives_are_whole"), ("marts", "nothing_withheld"),
        ("reconciliation_daily", "days_can_be_published"), ("marts", "service_levels_hold"),
    }  # fmt: skip


@pytest.mark.parametrize("refused", [{}, {releases.date(2026, 2, 1): "epsilon is spent"}])
def test_a_correction_that_does_not_fit_the_budget_is_named(tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    outcome = SimpleNamespace(drawn=[], refused=refused)
    monkeypatch.setattr(release_assets, "release_due", lambda *_: outcome)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as journal:
        journal.add_dynamic_partitions(str(regions.name), ["eu"])
        resource = Warehouse(landing=str(tmp_path), warehouse=str(tmp_path / "warehouse"))
        done = dg.materialize([release_assets.channel_monthly], instance=journal, partition_key="eu",
                              resources={"warehouse": resource})  # fmt: skip
    [evaluation] = done.get_asset_check_evaluations()
    assert evaluation.passed == (not refused)
