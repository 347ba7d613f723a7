with

touch_credits as (

    select * from {{ ref('int_attribution__touch_credits') }}

),

credits as (

    select
        touch_credits.order_id,
        touch_credits.ordered_on,
        touch_credits.buyer_id,
        touch_credits.touch_number,
        touch_credits.touch_id,
        touch_credits.touched_on,
        touch_credits.channel,
        touch_credits.campaign,
        {{ unnest_models('touch_credits', amounts()) | indent(8) }}
    from touch_credits

)

select * from credits
-- A touch too light for a cent or a millionth has no credit.
where revenue_cents != 0 or refund_cents != 0 or cogs_cents != 0 or conversion_millionths != 0
