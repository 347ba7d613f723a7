"""The tables that divide a month into parts that step, as dbt's Python models return them (:mod:`quality.parts`).

None of them can help to tell what the tables by channel hide (:mod:`quality.proof`). Currencies divide the whole month
by another question, so the two share the month's total alone, which is published. Fates divide what channel
(unattributed) shows, as it shows it, and cohorts orders of which the table of segments shows all: what is left of such
a whole are parts that wait, of k buyers or of none.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import duckdb

from quality.parts import Division, stepped
from quality.step_tables import Relation, Rules

_FOR_GOOD = date(9999, 12, 1)
CURRENCIES = Division(
    kept="int_privacy__published_currencies",
    item=("order_id",),
    cell="currency",
    kin="currency",
    measures=("revenue_cents", "refund_cents", "order_count"),
    carried=("revenue_minor", "refund_minor"),
)


def currencies(session: duckdb.DuckDBPyConnection, this: Any, conversions: Relation, rules: Relation) -> Relation:
    """The rows of ``int_privacy__currency_steps``: orders of the window's months by currency, as they are published.

    Args:
        conversions: a relation with the columns of ``int_orders__conversions``.
        rules: the one row of ``int_privacy__rules``.
    """
    rule = Rules.of(rules)
    orders = conversions.filter(f"is_priced and {rule.in_months}").project(
        "*, date_trunc('month', ordered_on)::date as month, 1::bigint as order_count"
    )
    return stepped(session, this, orders, rule, CURRENCIES)


COHORTS = Division(
    kept="int_privacy__published_cohorts",
    item=("order_id", "touch_number"),
    cell="channel",
    kin="cohort",
    measures=("revenue_cents", "refund_cents", "conversion_millionths"),
    carried=("cogs_cents",),
)


def cohorts(session: duckdb.DuckDBPyConnection, this: Any, credits: Relation, rules: Relation) -> Relation:
    """The rows of ``int_privacy__cohort_steps``: later orders by the channels of their buyers' first ones.

    Args:
        credits: the rows of ``int_payback__order_credits``, which segments show, of all months from the window's first.
        rules: the one row of ``int_privacy__rules``.
    """
    return stepped(session, this, credits, replace(Rules.of(rules), last_month=_FOR_GOOD), COHORTS)


FATES = Division(
    kept="int_privacy__published_fates",
    item=("order_id",),
    cell="fate",
    kin="fate",
    measures=("revenue_cents", "refund_cents", "order_count"),
)


def fates(session: duckdb.DuckDBPyConnection, this: Any, orders: Relation, rules: Relation) -> Relation:
    """The rows of ``int_privacy__fate_steps``: orders that channel (unattributed) shows, by why nobody is credited.

    Args:
        orders: the rows of ``int_orders__fates``, as that channel shows them.
        rules: the one row of ``int_privacy__rules``.
    """
    return stepped(session, this, orders, Rules.of(rules), FATES)
