{%- set stored_credits = as_last_built('int_attribution__touch_credits') -%}
with

final_days as (

    select day from {{ ref('stg_ops__final_days') }}

),

settled as (

    select order_id from {{ ref('int_orders__settled') }}

),

orders as (

    select * from {{ ref('int_attribution__orders') }}

),

{% if stored_credits -%}
-- Orders of the window that were last built on another day. Apart, so that no more is read of all the others.
moved as (

    select distinct order_id
    from {{ stored_credits }}
    where not {{ in_window('ordered_on') }} and order_id in (select orders.order_id from orders)

),

last_built as (

    select
        order_id,
        ordered_on,
        touch_number,
        touch_id,
        touched_on,
        channel,
        campaign,
        weights
    from {{ stored_credits }}
    where {{ in_window('ordered_on') }}
    union all
    select
        credits.order_id,
        credits.ordered_on,
        credits.touch_number,
        credits.touch_id,
        credits.touched_on,
        credits.channel,
        credits.campaign,
        credits.weights
    from {{ stored_credits }} as credits
    inner join moved on credits.order_id = moved.order_id
    where not {{ in_window('credits.ordered_on') }}

),

-- An order of a day that was final keeps the weights it had then, wherever the ledger moves it; so does a settled one.
stored as (

    select * from last_built
    where
        ordered_on in (select final_days.day from final_days)
        or order_id in (select settled.order_id from settled)

),

-- What the ledger has taken away keeps its weights, at no money, should it come back.
kept as (

    select
        -- Below zero, so that it is no other order's.
        -dense_rank() over (order by stored.order_id asc nulls last) as order_number,
        stored.order_id,
        coalesce(orders.ordered_on, stored.ordered_on) as ordered_on,
        orders.buyer_id,
        {% for amount in amounts() -%}
        coalesce(orders.{{ amount }}, 0) as {{ amount }},
        {% endfor -%}
        count(*) over (partition by stored.order_id) as touch_count,
        stored.touch_number,
        stored.touch_id,
        -- What has no touch stands on the day of its order.
        case when stored.touch_number = 0 then coalesce(orders.ordered_on, stored.ordered_on) else stored.touched_on end
            as touched_on,
        stored.channel,
        stored.campaign,
        stored.weights
    from stored
    left join orders on stored.order_id = orders.order_id

),

{% endif -%}
open_orders as (

    select
        orders.*,
        -- Nobody is credited for an order that the ledger adds to a final day.
        case when final_days.day is null then orders.order_number end as credited_number
    from orders
    left join final_days on orders.ordered_on = final_days.day
    {% if stored_credits -%}
    where orders.order_id not in (select stored.order_id from stored)
    {%- endif %}

),

order_weights as (

    select
        {{ order_columns('open_orders') | indent(8) }},
        coalesce(weights.touch_count, 0) as touch_count,
        coalesce(weights.touch_number, 0) as touch_number,
        weights.touch_id,
        coalesce(weights.touched_on, open_orders.ordered_on) as touched_on,
        coalesce(weights.channel, '(unattributed)') as channel,
        coalesce(weights.campaign, '(none)') as campaign,
        coalesce(weights.weights, {{ equal_weights() | indent(8) }}) as weights
    from open_orders
    left join {{ ref('int_attribution__weights') }} as weights
        on open_orders.credited_number = weights.order_number
    {% if stored_credits -%}
    union all
    select * from kept
    {%- endif %}

)

select * from order_weights
