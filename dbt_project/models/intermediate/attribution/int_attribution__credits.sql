with

touch_credits as (

    select * from {{ ref('int_attribution__touch_credits') }}

),

credits as (

    select
        order_id,
        ordered_on,
        buyer_id,
        touch_number,
        touch_id,
        touched_on,
        channel,
        campaign,
        {{ unnest_models(amounts()) | indent(8) }}
    from touch_credits

)

select * from credits
-- A touch too light for a cent or a millionth has no credit.
where revenue_cents != 0 or refund_cents != 0 or cogs_cents != 0 or conversion_millionths != 0
