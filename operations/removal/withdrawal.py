"""A withdrawal of consent: from its moment on nothing of the person is used that does not itself state consent.

Which fate a record has follows from the record and its region alone. What a withdrawal concerns is found among the
events, whichever came first, so that archives out of order end the same: pages go, orders stay without the person. It
ends with the next record that states consent. What was done before stays, and counts for the orders that it was used
for; to remove it is an erasure.
"""

from __future__ import annotations

import duckdb

from ingestion.books import remove_events, transaction
from operations.removal.anonymise import PERSONAL
from settings import OWN_TRACKS

# A device that one user alone was seen on is that user's, whatever its records name.
_CONCERNED = """
    create or replace temp table withdrawn_events as
    with owners as (
        select anonymous_id, any_value(user_id) as user_id from raw.events
        where anonymous_id is not null and user_id is not null
        group by anonymous_id having count(distinct user_id) = 1
            and any_value(user_id) in (select user_id from ops.withdrawals)
    ),
    said as (
        select user_id as id, withdrawn_at as said_at, false as is_yes from ops.withdrawals where user_id is not null
        union all
        select anonymous_id, withdrawn_at, false from ops.withdrawals where anonymous_id is not null
        union all
        select owners.anonymous_id, withdrawn_at, false from ops.withdrawals join owners using (user_id)
    ),
    answers as (
        from said
        union all
        select ids.id, occurred_at, true from raw.events
        join (select distinct id from said) as ids on ids.id = user_id or ids.id = raw.events.anonymous_id
        where is_consent_stated and not is_anonymised
    ),
    asked as (
        select message_id, occurred_at, user_id as id from raw.events
        where not is_consent_stated and not is_anonymised and user_id in (select id from said)
        union all
        select message_id, occurred_at, anonymous_id from raw.events
        where not is_consent_stated and not is_anonymised and anonymous_id in (select id from said)
    ),
    judged as (
        select message_id, arg_max(is_yes, (said_at, is_yes)) as is_yes
        from asked join answers using (id) where said_at <= occurred_at
        group by message_id
    )
    select message_id, order_id is not null and coalesce(event in {own}, false) as is_commerce
    from judged join raw.events using (message_id) where not is_yes"""


def note_changes(con: duckdb.DuckDBPyConnection) -> int:
    """Name to the planner what withdrawals concern, while it is still there; returns how many events that is."""
    with transaction(con):
        if not _find(con):
            return 0
        return con.execute(
            "insert into ops.changes select 'event', null, message_id::varchar from withdrawn_events"
        ).fetchall()[0][0]


def take_out(con: duckdb.DuckDBPyConnection) -> int:
    """Remove it, commerce excepted, which loses its person. Done again, it changes nothing."""
    with transaction(con):
        if not _find(con):
            return 0
        nulls = ", ".join(f"{name} = null" for name in PERSONAL)
        commerce = "(select message_id from withdrawn_events where is_commerce)"
        con.execute(f"update raw.events set {nulls}, is_anonymised = true where message_id in {commerce}")
        behaviour = "(select message_id from withdrawn_events where not is_commerce)"
        remove_events(con, f"message_id in {behaviour}")
        return con.execute("select count(*) from withdrawn_events").fetchall()[0][0]


def _find(con: duckdb.DuckDBPyConnection) -> bool:
    if con.execute("select count(*) from ops.withdrawals").fetchall() == [(0,)]:
        return False
    con.execute(_CONCERNED.format(own=OWN_TRACKS))
    return con.execute("select count(*) > 0 from withdrawn_events").fetchall() == [(True,)]
