with

{{ split_over_touches(ref('int_attribution__order_weights')) }},

touch_credits as (

    select
        shares.order_id,
        shares.ordered_on,
        shares.buyer_id,
        shares.touch_number,
        shares.touch_id,
        shares.touched_on,
        shares.channel,
        shares.campaign,
        shares.weights,
        {{ shares_by_model() | indent(8) }}
    from shares

)

select * from touch_credits
