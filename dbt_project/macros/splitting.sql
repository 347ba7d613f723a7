{#- What each touch of an order gets of its amounts, under each model. -#}

{% macro split_over_touches(weights) -%}
    {#-
        CTEs up to `shares`, a row for each order and touch, of which shares_by_model() makes the amounts. `weights` has a row
        for each order and touch, with the order's number and amounts, and the weights of the touch.
    -#}
order_weights as (

    select
        *,
        {{ is_everyday() | indent(8) }} as is_everyday,
        {{ weights_of_models('weights') | indent(8) }}
    from {{ weights }}

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

)
{%- endmacro %}
