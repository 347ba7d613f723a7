with

-- A number is a lighter key for what follows than the order's own id.
conversions as (

    select
        *,
        1000000 as conversion_millionths,
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

floors as (

    select
        weights.*,
        totals.*,
        {{ whole_units_of_models('weights', 'totals') | indent(8) }}
    from weights
    inner join totals on weights.order_number = totals.of_order

),

ranked as (

    select
        *,
        {{ remainder_ranks() | indent(8) }}
    from floors

),

winners as (

    select
        order_number,
        {{ lowest_winning_ranks() | indent(8) }}
    from ranked
    where touch_count > 1
    group by order_number

),

touch_credits as (

    select
        ranked.order_id,
        ranked.ordered_on,
        ranked.buyer_id,
        ranked.touch_number,
        ranked.touch_id,
        ranked.touched_on,
        ranked.channel,
        ranked.campaign,
        {{ shares() | indent(8) }}
    from ranked
    left join winners on ranked.order_number = winners.order_number

)

select * from touch_credits
