with

order_weights as (

    select
        *,
        {{ is_everyday() | indent(8) }} as is_everyday,
        {{ weights_of_models('weights') | indent(8) }}
    from {{ ref('int_attribution__order_weights') }}

),

totals as (

    select
        order_number as of_order,
        {{ total_weights() | indent(8) }}
    from order_weights
    where touch_count > 1 and is_everyday
    group by order_number

),

touches as (

    select
        order_weights.*,
        totals.*
    from order_weights
    inner join totals on order_weights.order_number = totals.of_order

),

of_one as (

    {{ shares_of('order_weights') | indent(4) }}
    where touch_count <= 1

),

pairs as (

    select
        *,
        {{ whole_units() | indent(8) }}
    from touches
    where touch_count = 2

),

of_two as (

    {{ shares_of('pairs', larger_remainders()) | indent(4) }}

),

longer as (

    select * from touches
    where touch_count > 2

),

of_more as (

    {{ split_by_rank('longer') | indent(4) }}

),

outsize as (

    select * from order_weights
    where touch_count > 1 and not is_everyday

),

of_any as (

    {{ split_by_definition('outsize') | indent(4) }}

),

shares as (

    select * from of_one
    union all
    select * from of_two
    union all
    select * from of_more
    union all
    select * from of_any

),

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
