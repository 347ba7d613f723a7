with

-- A number is a lighter key for what follows than the order's own id.
conversions as (

    select
        *,
        row_number() over (order by order_id asc nulls last) as order_number
    from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

),

models as (

    {{ attribution_models() }}

),

order_weights as (

    select * from {{ ref('int_attribution__order_weights') }}

),

weights as (

    select
        order_weights.order_id,
        conversions.ordered_on,
        conversions.buyer_id,
        order_weights.attribution_model,
        order_weights.touch_number,
        order_weights.touch_id,
        -- What has no touch stands on the day of its order.
        case when order_weights.touch_number = 0 then conversions.ordered_on else order_weights.touched_on end
            as touched_on,
        order_weights.channel,
        order_weights.campaign,
        order_weights.weight,
        conversions.revenue_cents,
        conversions.refund_cents,
        conversions.cogs_cents,
        1000000 as conversion_millionths,
        conversions.order_number * 16 + models.model_number as split_number,
        cast(sum(order_weights.weight) over (partition by conversions.order_number, models.model_number) as bigint)
            as total_weight
    from order_weights
    inner join conversions on order_weights.order_id = conversions.order_id
    inner join models on order_weights.attribution_model = models.attribution_model

),

floors as (

    select
        *,
        {{ whole_units('revenue_cents') | indent(8) }} as revenue_units,
        {{ whole_units('refund_cents') | indent(8) }} as refund_units,
        {{ whole_units('cogs_cents') | indent(8) }} as cogs_units,
        {{ whole_units('conversion_millionths') | indent(8) }} as conversion_units
    from weights

),

ranked as (

    select
        *,
        {{ remainder_rank('revenue_cents', 'revenue_units') | indent(8) }} as revenue_rank,
        {{ remainder_rank('refund_cents', 'refund_units') | indent(8) }} as refund_rank,
        {{ remainder_rank('cogs_cents', 'cogs_units') | indent(8) }} as cogs_rank,
        {{ remainder_rank('conversion_millionths', 'conversion_units') | indent(8) }} as conversion_rank
    from floors

),

winners as (

    select
        split_number,
        {{ lowest_winning_rank('revenue_cents', 'revenue_units', 'revenue_rank') }} as revenue_rank,
        {{ lowest_winning_rank('refund_cents', 'refund_units', 'refund_rank') }} as refund_rank,
        {{ lowest_winning_rank('cogs_cents', 'cogs_units', 'cogs_rank') }} as cogs_rank,
        {{ lowest_winning_rank('conversion_millionths', 'conversion_units', 'conversion_rank') }} as conversion_rank
    from ranked
    group by split_number

),

credits as (

    select
        ranked.order_id,
        ranked.ordered_on,
        ranked.buyer_id,
        ranked.attribution_model,
        ranked.touch_number,
        ranked.touch_id,
        ranked.touched_on,
        ranked.channel,
        ranked.campaign,
        {{ share('revenue_cents', 'revenue') | indent(8) }} as revenue_cents,
        {{ share('refund_cents', 'refund') | indent(8) }} as refund_cents,
        {{ share('cogs_cents', 'cogs') | indent(8) }} as cogs_cents,
        {{ share('conversion_millionths', 'conversion') | indent(8) }} as conversion_millionths
    from ranked
    inner join winners on ranked.split_number = winners.split_number

)

select * from credits
-- A touch too light for a cent or a millionth has no credit.
where revenue_cents != 0 or refund_cents != 0 or cogs_cents != 0 or conversion_millionths != 0
