"""The days that the changes of a load touch, by reason: what :mod:`operations.rebuilding.plan` makes pending."""

from __future__ import annotations

import duckdb

from settings import Settings

_ARRIVED = """
    create or replace temp table arrived as
    select events.* from raw.events
    semi join (select key::integer as archive_id from ops.changes where kind = 'archive') using (archive_id)
    union all
    select events.* from raw.events
    semi join (select key::uuid as message_id from ops.changes where kind = 'event') using (message_id)
    anti join (select key::integer as archive_id from ops.changes where kind = 'archive') using (archive_id);
    create or replace temp table changed_orders as
    select key as order_id from ops.changes where kind = 'order'
    union select order_id from arrived where order_id is not null"""

_PERSONS = """
    create or replace temp table relinked as  -- devices on which somebody new was seen, or that change hands
    select anonymous_id from raw.events
    semi join (select anonymous_id from arrived where anonymous_id is not null and user_id is not null)
        using (anonymous_id)
    where user_id is not null group by all
    having count(distinct user_id) > 1
        or bool_and(message_id in (select message_id from arrived));
    create or replace temp table concerned as
    select type, occurred_at, anonymous_id, user_id, order_id, occurred_at as moment from arrived
    union all
    select type, occurred_at, anonymous_id, user_id, order_id, occurred_at
    from raw.events semi join relinked using (anonymous_id)
    union all  -- whoever placed a changed order, whether or not it was a conversion before
    select 'order', occurred_at, anonymous_id, user_id, order_id, least(occurred_at, ordered_at)
    from raw.events semi join changed_orders using (order_id) left join raw.ledger_orders using (order_id);
    create or replace temp table persons as
    with ids as (
        select anonymous_id as id, moment, order_id from concerned
        union all select user_id, moment, order_id from concerned
        union all select known.user_id, moment, order_id from concerned
            join (
                select anonymous_id, user_id from raw.events where user_id is not null
                union select anonymous_id, user_id from ops.past_sightings
            ) as known using (anonymous_id)
        union all select person_id, least(converted_at, ordered_on), order_id
            from intermediate.int_orders__conversions semi join changed_orders using (order_id)
    )
    select id, min(moment) as since, max(moment) as until, count(order_id) > 0 as is_buyer
    from ids where id is not null group by id;
    create or replace temp table named as  -- touches whose campaign may resolve, or be spelt, otherwise than it did
    with spelt as (
        select touched_on, touched_at, person_id, unnest([campaign_id, campaign_name]) as value
        from intermediate.int_sessions__starts where has_campaign
    ),
    changed as (
        select lower(key) as value from ops.changes where kind = 'campaign' union select campaign_key from respelt
    )
    select touched_on, touched_at, person_id from spelt
    where lower(value) in (from changed)
        or (contains(value, '%') and lower(try(url_decode(value))) in (from changed))"""

_RESPELT = """
    create or replace temp table respelt as  -- campaigns that get the name of another spelling
    with spelt as (
        select true as is_new, coalesce(campaign_name, campaign_id) as campaign from arrived
        where type in ('page', 'screen') group by all
        union all
        select false, coalesce(campaign_name, campaign_id) from intermediate.int_sessions__starts
        where has_campaign group by all
    ),
    keyed as (
        select *, coalesce(nullif(trim(case when regexp_matches(campaign, '%[0-9a-fA-F]{2}')
            then lower(try(url_decode(campaign))) end), ''), lower(campaign)) as campaign_key
        from spelt where campaign is not null
    ),
    ranked as (select *, row(campaign_key = lower(campaign), campaign) as place from keyed)
    select campaign_key from ranked group by campaign_key
    having max(place) filter (is_new) > max(place) filter (not is_new)"""


def changed_days(con: duckdb.DuckDBPyConnection, settings: Settings, local_day: str) -> dict[str, str]:
    """Of what stands in ``ops.changes``: queries of days by reason.

    Args:
        local_day: SQL of the region's day of a moment, for which ``{}`` stands.
    """
    lookback_days = settings.attribution.longest_lookback_days
    con.execute(_ARRIVED)
    con.execute(_RESPELT)
    con.execute(_PERSONS)
    _find_touched_days(con, settings, local_day)
    return {
        "cost": "select day from ops.changes where kind = 'spend'",
        "refused rows": "select day from ops.changes where kind = 'refused'",
        "behaviour": "select day from touched_days",
        "orders": f"""
            select ordered_on as day from intermediate.int_orders__conversions semi join changed_orders using (order_id)
            union
            select {local_day.format("ordered_at")} from raw.ledger_orders semi join changed_orders using (order_id)
            union select {local_day.format("occurred_at")} from raw.events semi join changed_orders using (order_id)""",
        "orders of persons with new behaviour or orders": f"""
            select ordered_on as day from intermediate.int_orders__conversions join persons
                on person_id = persons.id and (converted_at >= since or (is_buyer and ordered_on >= since::date - 1))
                and (is_buyer or converted_at <= until + interval {lookback_days + 2} day)""",
        "reference rates": _repriced_days(settings, local_day),
        "campaigns": f"""
            select spend_on as day from raw.spend join (select key from ops.changes where kind = 'campaign')
                on key = campaign_id or key = lower(campaign_name)
            union select touched_on from named
            union select ordered_on from intermediate.int_orders__conversions join named using (person_id)
            where converted_at between touched_at and touched_at + interval {lookback_days} day""",
    }


def _find_touched_days(con: duckdb.DuckDBPyConnection, settings: Settings, local_day: str) -> None:
    """Days whose sessions can differ, as ``touched_days``: one that goes on past midnight can change the next day's."""
    con.execute(f"""
        create or replace temp table touched_days as
        select distinct {local_day.format("occurred_at")} as day from concerned where type in ('page', 'screen')""")
    local = local_day.removeprefix("cast(").removesuffix(" as date)").format("occurred_at")
    minutes = settings.attribution.session_timeout_minutes
    while True:
        added = con.execute(f"""
            insert into touched_days
            select distinct cast({local} as date) from raw.events
            where type in ('page', 'screen')
                and {local} - date_trunc('day', {local}) <= interval {minutes} minute
                and cast({local} as date) - 1 in (select day from touched_days)
                and cast({local} as date) not in (select day from touched_days)
                and (anonymous_id in (select id from persons) or user_id in (select id from persons))""").fetchone()
        if not added or not added[0]:
            return


def _repriced_days(settings: Settings, local_day: str) -> str:
    """Days on which a changed rate is the one that holds, and something is priced by it."""
    return f"""
        with changed as (
            select distinct day as rate_on, key as currency,
                (select min(rate_on) from raw.fx_rates as later
                 where later.currency = key and later.rate_on > changes.day) as next_rate_on
            from ops.changes where kind = 'rate'
        ),
        priced as (
            select ordered_on as day, currency from intermediate.int_orders__conversions
            union select spend_on, currency from raw.spend
            union select {local_day.format("occurred_at")}, currency from raw.events where order_id is not null
        )
        select day from priced join changed
            on day >= rate_on and day < coalesce(next_rate_on, date '9999-12-31')
            and priced.currency <> '{settings.reporting_currency}'
            and (priced.currency = changed.currency or changed.currency = '{settings.reporting_currency}')"""
