with

-- A number is a lighter key for what follows than the order's own id.
conversions as (

    select
        order_id,
        ordered_on,
        buyer_id,
        revenue_cents,
        refund_cents,
        cast(cogs_cents as bigint) as cogs_cents,
        cast(1000000 as bigint) as conversion_millionths,
        row_number() over (order by order_id asc nulls last) as order_number
    from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

),

order_weights as (

    select * from {{ ref('int_attribution__order_weights') }}

),

weights as (

    select
        conversions.*,
        order_weights.touch_number,
        order_weights.touch_id,
        -- What has no touch stands on the day of its order.
        case when order_weights.touch_number = 0 then conversions.ordered_on else order_weights.touched_on end
            as touched_on,
        order_weights.channel,
        order_weights.campaign,
        {{ weights_of_models('order_weights.weights') | indent(8) }}
    from order_weights
    inner join conversions on order_weights.order_id = conversions.order_id

),

totals as (

    select
        order_number as of_order,
        count(*) as touch_count,
        {{ total_weights() | indent(8) }}
    from weights
    group by order_number

),

touches as (

    select
        weights.*,
        totals.*,
        {{ is_everyday('totals.touch_count') | indent(8) }} as is_everyday
    from weights
    inner join totals on weights.order_number = totals.of_order

),

of_one as (

    {{ touch_credits_of('touches', none) | indent(4) }}
    where touch_count = 1

),

pairs as (

    select
        *,
        {{ whole_units('bigint') | indent(8) }}
    from touches
    where touch_count = 2 and is_everyday

),

of_two as (

    {{ touch_credits_of('pairs', larger_remainders()) | indent(4) }}

),

of_more as (

    {{ split_by_rank('touches', 'touch_count > 2 and is_everyday', 'bigint') | indent(4) }}

),

of_any as (

    {{ split_by_rank('touches', 'touch_count > 1 and not is_everyday', wide_integer()) | indent(4) }}

),

touch_credits as (

    select * from of_one
    union all
    select * from of_two
    union all
    select * from of_more
    union all
    select * from of_any

)

select * from touch_credits
