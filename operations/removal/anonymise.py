"""Orders without their persons: what was booked for them stays, and nothing in the file says who placed them.

An order that is settled so keeps, in ``ops.settled_orders``, what the models could not find again without its person:
its segment, the channels of its path, and an anonymous buyer. Its stored weights stay as those of a final day do.
"""

from __future__ import annotations

import duckdb

# Without one of these there is nothing built yet, and so nothing to keep.
_BUILT = ("int_orders__conversions", "int_attribution__touch_credits")
# What was last published of orders, and for which buyers: the state of the steps of small cells.
_STEPPING = tuple(f"int_privacy__published_{name}" for name in ("credits", "currencies", "cohorts", "fates"))
# What of a commerce record tells of a person or of what the person did.
PERSONAL = (
    "anonymous_id", "user_id", "campaign_source", "campaign_medium", "campaign_name", "campaign_id",
    "page_host", "referrer_host", "experiment", "variation", "geography",
)  # fmt: skip


def anonymise_orders(con: duckdb.DuckDBPyConnection, order_ids: list[str], lapsed_after_days: int) -> int:
    """Take person and touches out of these orders; money, weights, credit and cells stay what they are.

    Call it in a transaction, and while the orders of the same persons are still in ``int_orders__conversions``, since
    an order's segment follows from the ones before it. An order that no build has seen loses its person all the same
    and has no credit to keep. Doing it again changes nothing.

    A buyer's orders of one month keep a common buyer, drawn at random and known to nothing else: each cell then has as
    many buyers as before, so that no cell opens or closes, and versions before and after do not differ.

    Args:
        lapsed_after_days: of the configuration's attribution, as the segments go by it.

    Returns:
        How many orders were settled that were not before.
    """
    con.execute("create or replace temp table anonymous_orders (order_id varchar primary key)")
    con.execute("insert or ignore into anonymous_orders select unnest($ids::varchar[])", {"ids": order_ids})
    is_built = all(_exists(con, table) for table in _BUILT)
    settled = _settle(con, lapsed_after_days) if is_built else 0
    nulls = ", ".join(f"{name} = null" for name in PERSONAL)
    con.execute(f"""
        update raw.events set {nulls}, is_anonymised = true
        where order_id in (from anonymous_orders)""")
    if is_built:
        _forget(con)
    con.execute("drop table anonymous_orders")
    return settled


def _exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "select count(*) from duckdb_tables() where schema_name = 'intermediate' and table_name = ?"
    return con.execute(query, [table]).fetchall() == [(1,)]


def stepping_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of `intermediate` that hold what was last published of orders, and for which buyers."""
    return [table for table in _STEPPING if _exists(con, table)]


def _settle(con: duckdb.DuckDBPyConnection, lapsed_after_days: int) -> int:
    """Note what the models need of the orders; every touch of a path has a weight under ``linear``."""
    return con.execute(
        """
        with sequence as (
            select order_id, ordered_on, orders.person_id, coalesce(
                max(ordered_on) filter (conversion_type = 'Order Completed') over (
                    partition by orders.person_id
                    order by ordered_on asc nulls last, converted_at asc nulls last, order_id asc nulls last
                    rows between unbounded preceding and 1 preceding
                ), last_ordered_on) as previous_ordered_on
            from intermediate.int_orders__conversions as orders left join ops.past_buyers using (person_id)
            where person_id in (
                select person_id from intermediate.int_orders__conversions semi join anonymous_orders using (order_id))
        ),
        buyers as materialized (
            select person_id, month, uuid() as buyer_id
            from (select distinct person_id, date_trunc('month', ordered_on) as month from sequence)
        ),
        paths as (
            select order_id, list(channel order by touch_number) as path
            from intermediate.int_attribution__touch_credits semi join anonymous_orders using (order_id)
            where touch_number > 0 group by order_id
        )
        insert into ops.settled_orders by name
        select
            order_id, buyer_id, path,
            case
                when previous_ordered_on is null then 'new'
                when ordered_on - previous_ordered_on > $lapsed_after_days then 'lapsed'
                else 'repeat'
            end as segment
        from sequence
        join buyers on sequence.person_id = buyers.person_id and date_trunc('month', ordered_on) = buyers.month
        left join paths using (order_id)
        where order_id in (from anonymous_orders)
        on conflict do nothing""",
        {"lapsed_after_days": lapsed_after_days},
    ).fetchall()[0][0]


def _forget(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
        update intermediate.int_orders__conversions as orders set person_id = null, buyer_id = settled.buyer_id
        from ops.settled_orders as settled
        where orders.order_id = settled.order_id and orders.order_id in (from anonymous_orders)""")
    con.execute("""
        update intermediate.int_attribution__touch_credits as credits set touch_id = null, buyer_id = settled.buyer_id
        from ops.settled_orders as settled
        where credits.order_id = settled.order_id and credits.order_id in (from anonymous_orders)""")
    for table in stepping_tables(con):
        con.execute(f"""
            update intermediate.{table} as stepping set buyer_id = settled.buyer_id
            from ops.settled_orders as settled
            where stepping.order_id = settled.order_id and stepping.order_id in (from anonymous_orders)""")
