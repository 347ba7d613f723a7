"""Changed shapes of tables: a new column is filled by the rebuild, any other change stops before anything is built."""

from __future__ import annotations

import copy
import re

import pytest

from ingestion.books import region_file
from operations.rebuilding import plan
from operations.rebuilding.engine import engine_of
from operations.rebuilding.engine.on_duckdb import OnDuckDB
from operations.rebuilding.shapes import ShapeError, fit_shapes, undeployable
from tests.operations.rebuilding import test_finality
from tests.operations.rebuilding.engine import test_project
from tests.operations.rebuilding.engine.test_project import COSTS, edit
from tests.operations.rebuilding.test_rules import rebuild_pending

shop, copied = test_finality.shop, test_project.copied
CONVERSIONS = "models/intermediate/orders/int_orders__conversions.sql"
TOUCHPOINTS = "models/intermediate/sessions/int_sessions__touchpoints.sql"


def _plan(shop) -> None:
    with region_file(shop.settings, "eu") as con:
        plan.plan(con, shop.settings, "eu")


@pytest.fixture
def giving(shop, monkeypatch):
    """Has the models give a table other columns than they do, as a release would that changed them."""
    given = copy.deepcopy(engine_of(shop.settings).shapes())
    with region_file(shop.settings, "eu") as con:
        con.execute("delete from ops.meta where key = 'rules'")  # of another release
    monkeypatch.setattr(OnDuckDB, "shapes", lambda _: given)
    return given


def test_of_a_new_column_the_table_gets_one_and_of_one_that_is_gone_or_of_another_type_it_is_told(shop, giving):
    table = giving["int_spend__daily_costs"]
    assert undeployable(shop.settings, ["eu"]) == []
    table["accounts"] = "BIGINT"
    assert undeployable(shop.settings, ["eu"]) == []
    with region_file(shop.settings, "eu") as con:
        fit_shapes(con, shop.settings, "eu")
    assert shop.query("select distinct accounts from intermediate.int_spend__daily_costs") == [(None,)]
    del table["accounts"]
    assert "int_spend__daily_costs has no column accounts any more" in undeployable(shop.settings, ["eu"])[0]
    table["accounts"] = "VARCHAR"
    [said] = undeployable(shop.settings, ["eu"])
    assert "gives column accounts the type VARCHAR, and its table has BIGINT: that needs a migration" in said
    with region_file(shop.settings, "eu") as con, pytest.raises(ShapeError, match="needs a migration"):
        fit_shapes(con, shop.settings, "eu")


@pytest.mark.slow
def test_a_new_column_is_added_and_filled(shop, copied):
    edit(
        copied / COSTS,
        "        cast(sum(clicks) as bigint) as clicks,",
        "        cast(sum(clicks) as bigint) as clicks, count(*) as accounts,",
    )
    edit(
        copied / CONVERSIONS,
        "        orders_of_the_window.currency,",
        "        orders_of_the_window.currency,\n        true as is_new,",
    )
    assert undeployable(shop.settings, ["eu"]) == []
    _plan(shop)
    assert {"int_spend__daily_costs", "int_orders__conversions"} <= rebuild_pending(shop)
    # What a final day keeps has nothing in it; orders of final days are carried on by the model itself.
    assert shop.query("select accounts from intermediate.int_spend__daily_costs") == [(None,)]
    assert shop.query("select distinct is_new from intermediate.int_orders__conversions") == [(True,)]
    _plan(shop)
    assert shop.query("from ops.pending_days") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (TOUCHPOINTS, "        originated.medium,\n", "",
         "eu: model int_sessions__touchpoints has no column medium any more, which its table holds: that needs a"
         " migration of the region's file, so nothing is built"),
        (CONVERSIONS, "        orders_of_the_window.is_in_events,\n",
         "        cast(orders_of_the_window.is_in_events as integer) as is_in_events,\n",
         "eu: model int_orders__conversions gives column is_in_events the type INTEGER, and its table has BOOLEAN: that"
         " needs a migration of the region's file, so nothing is built"),
    ],
)  # fmt: skip
def test_a_column_that_is_gone_or_of_another_type_stops_before_anything_is_planned(shop, copied, file, old, new, said):
    edit(copied / file, old, new)
    assert undeployable(shop.settings, ["eu"]) == [said]
    with pytest.raises(ShapeError) as caught:
        _plan(shop)
    assert str(caught.value) == said
    assert shop.query("from ops.pending_days") == []


@pytest.mark.slow  # engine/test_project.py names model, line and cause of a typo
def test_a_model_that_reads_a_column_that_is_gone_is_named_before_anything_is_planned(shop, copied):
    edit(copied / CONVERSIONS, "        orders_of_the_window.is_in_events,\n", "")
    [said] = undeployable(shop.settings, ["eu"])
    named, _, cause = said.partition(": models/intermediate/")
    assert named.startswith("any region: dbt could not build ")
    assert "int_orders__fates" in re.findall(r"\w+", named)
    assert re.match(r"\w+/\w+\.sql:\d+: Binder Error: .*is_in_events", cause)
