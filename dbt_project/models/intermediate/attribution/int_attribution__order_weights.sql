with

final_days as (

    select day from {{ ref('stg_ops__final_days') }}

),

settled as (

    select order_id from {{ ref('int_orders__settled') }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

),

{% if is_incremental() -%}
-- An order of a day that was final keeps the weights it had then, wherever the ledger moves it; so does a settled one.
stored as (

    select distinct order_id
    from {{ this }}
    where
        ordered_on in (select final_days.day from final_days)
        or order_id in (select settled.order_id from settled)

),

{% endif -%}
open_orders as (

    select conversions.*
    from conversions
    {% if is_incremental() -%}
    where conversions.order_id not in (select stored.order_id from stored)
    {%- endif %}

),

weights as (

    select
        weights.order_id,
        weights.ordered_on,
        weights.touch_number,
        weights.touch_id,
        weights.touched_on,
        weights.channel,
        weights.campaign,
        weights.weights
    from {{ ref('int_attribution__weights') }} as weights
    inner join open_orders on weights.order_id = open_orders.order_id
    -- Nobody is credited for an order that the ledger adds to a final day.
    where weights.ordered_on not in (select final_days.day from final_days)

),

unattributed as (

    select
        open_orders.order_id,
        open_orders.ordered_on,
        0 as touch_number,
        cast(null as uuid) as touch_id,
        open_orders.ordered_on as touched_on,
        '(unattributed)' as channel,
        '(none)' as campaign,
        {{ by_model(dict.fromkeys(model_names(), 'cast(1 as bigint)')) | indent(8) }} as weights
    from open_orders
    where open_orders.order_id not in (select weights.order_id from weights)

),

order_weights as (

    select * from weights
    union all
    select * from unattributed

)

select * from order_weights
