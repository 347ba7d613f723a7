with

conversions as (

    -- A number is a lighter key for what follows than the order's own id.
    select
        *,
        row_number() over (order by order_id asc nulls last) as order_number
    from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

),

touchpoints as (

    select * from {{ ref('int_sessions__touchpoints') }}

),

touches as (

    select
        conversions.order_number,
        conversions.order_id,
        conversions.ordered_on,
        conversions.buyer_id,
        conversions.revenue_cents,
        conversions.refund_cents,
        conversions.cogs_cents,
        touchpoints.touch_id,
        touchpoints.touched_at,
        touchpoints.touched_on,
        touchpoints.channel,
        touchpoints.campaign,
        row_number() over (
            partition by conversions.order_number
            order by
                {{ touch_order('touchpoints') | indent(16) }}
        ) as touch_number
    from conversions
    inner join touchpoints on {{ in_lookback('conversions', 'touchpoints') | indent(8) }}

),

paths as (

    select
        *,
        count(*) over path as touch_count,
        max(case when channel != 'Direct' then touch_number end) over path as last_non_direct_number,
        {{ epoch_us('max(touched_at) over path') }} - {{ epoch_us('touched_at') }} as us_before_last_touch
    from touches
    window path as (partition by order_number)

)

select * from paths
