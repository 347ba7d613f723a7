"""Items of orders in the ledger, and order numbers that are compared without a leading # and ignoring case."""

from __future__ import annotations

from typing import Any

import duckdb

_PLAIN = r"lower(regexp_replace(order_id, '^\s*#?\s*|\s+$', '', 'g'))"
_OTHERWISE = f"order_id <> {_PLAIN} and {_PLAIN} <> ''"
_RECONCILED = """
    alter table finance.reconciliation_daily add column if not exists ledger_refunds decimal(18,2);
    alter table finance.reconciliation_daily add column if not exists warehouse_refunds decimal(18,2);
    alter table finance.reconciliation_daily add column if not exists ledger_net decimal(18,2);
    alter table finance.reconciliation_daily add column if not exists warehouse_net decimal(18,2);
    alter table finance.reconciliation_daily add column if not exists event_only_orders bigint;
    alter table finance.reconciliation_daily add column if not exists event_only_revenue decimal(18,2);
    alter table finance.reconciliation_daily add column if not exists wrong_amounts bigint;
    alter table finance.reconciliation_daily add column if not exists mismatch_cause varchar;
    -- What was counted as mismatches before is counted here now; events were not compared.
    update finance.reconciliation_daily set wrong_amounts = amount_mismatches, amount_mismatches = null"""


def region(con: duckdb.DuckDBPyConnection, settings: Any, name: str) -> None:
    """Change a region's file; orders whose number is written otherwise now have their days rebuilt."""
    con.execute("alter table raw.ledger_orders add column if not exists item_hash ubigint")
    con.execute(f"""
        insert into ops.changes
        select distinct 'order', null::date, {_PLAIN} from (
            select order_id from raw.events where order_id is not null union select order_id from raw.ledger_orders)
        where {_OTHERWISE}""")  # fmt: skip
    tables = con.execute("""
        select schema_name, table_name from duckdb_columns()
        where column_name = 'order_id' and schema_name in ('raw', 'ops', 'intermediate')
            and table_oid in (select table_oid from duckdb_tables())""").fetchall()  # fmt: skip
    for schema, table in tables:
        taken = f"{_PLAIN} in (select other.order_id from {schema}.{table} as other)" if schema == "ops" else "false"
        con.execute(f'update {schema}."{table}" set order_id = {_PLAIN} where {_OTHERWISE} and not ({taken})')
    has_table = "select count(*) from duckdb_tables() where schema_name = 'finance' and table_name = ?"
    if con.execute(has_table, ["reconciliation_daily"]).fetchall() == [(1,)]:
        con.execute(_RECONCILED)
