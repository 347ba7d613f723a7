"""Rows that are gone at their source and that a connector has kept, and orders that were only tried."""

import json

import pytest

from tests.ingestion.sources.tables import LEDGER_HEAD, ledger, read, spend

GONE = [("_fivetran_deleted", "true"), ("_FIVETRAN_DELETED", "1"), ("__hevo__marked_deleted", "TRUE"),
        ("__deleted", "true"), ("_sdc_deleted_at", "2026-03-02T10:00Z"), ("_ab_cdc_deleted_at", "x")]  # fmt: skip
STAYS = [("_fivetran_deleted", "false"), ("__deleted", ""), ("_sdc_deleted_at", ""), ("_ab_cdc_deleted_at", "null"),
         ("deleted", "true")]  # fmt: skip


@pytest.mark.parametrize(("mark", "value"), GONE + STAYS)
def test_what_is_gone_at_its_source_costs_nothing_and_is_no_order(tmp_path, mark, value):
    is_gone = (mark, value) in GONE
    rows = [f"2026-03-01,7,Brand,100,5,12.00,EUR,{value}", "2026-03-01,7,Brand,30,1,3.00,EUR,"]
    found = spend(tmp_path, *rows, head=f"date,campaign_id,campaign_name,impressions,clicks,spend,currency,{mark}").rows
    assert found["spend_minor"].to_list() == [0 if is_gone else 1200, 300]
    assert found["impressions"].to_list() == [0 if is_gone else 100, 30]
    order = f"o1,2026-03-01T10:00:00Z,completed,30.00,,,EUR,2026-03-01T10:00:00Z,{value}"
    assert ledger(tmp_path, order, head=f"{LEDGER_HEAD},{mark}").rows["status"].to_list() == [
        "cancelled" if is_gone else "completed"
    ]


def test_of_a_row_that_a_connector_reads_again_as_gone_nothing_stands(tmp_path):
    rows = ["2026-03-01,7,EUR,12.00,2026-03-02T00:00:00Z,", "2026-03-01,7,EUR,12.00,2026-03-05T00:00:00Z,2026-03-04"]
    found = spend(tmp_path, *rows, head="date,campaign_id,currency,spend,_sdc_batched_at,_sdc_deleted_at")
    assert found.rows["spend_minor"].to_list() == [0]


def test_a_test_order_of_shopify_is_cancelled(tmp_path):
    order = {
        "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z", "financial_status": "paid",
        "currency": "EUR", "taxes_included": False, "subtotal_price": "40.00", "total_tax": "0", "total_price": "40.00",
    }  # fmt: skip
    orders = [order | {"name": "#1", "test": True}, order | {"name": "#2", "test": False}, order | {"name": "#3"}]
    found = read(tmp_path, json.dumps({"orders": orders}), source="ledger", name="orders.json")
    assert found.rows["status"].to_list() == ["cancelled", "completed", "completed"]
