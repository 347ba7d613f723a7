with

weights as (

    select
        *,
        1000000 as conversion_millionths,
        cast(sum(weight) over (partition by split_number) as bigint) as total_weight
    from {{ ref('int_attribution__weights') }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

),

models as (

    {{ attribution_models() }}

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

attributed as (

    select
        order_id,
        ordered_on,
        buyer_id,
        attribution_model,
        touch_number,
        touch_id,
        channel,
        campaign,
        {{ with_leftover('revenue_cents', 'revenue_units') | indent(8) }} as revenue_cents,
        {{ with_leftover('refund_cents', 'refund_units') | indent(8) }} as refund_cents,
        {{ with_leftover('cogs_cents', 'cogs_units') | indent(8) }} as cogs_cents,
        {{ with_leftover('conversion_millionths', 'conversion_units') | indent(8) }} as conversion_millionths
    from floors

),

unattributed as (

    select
        conversions.order_id,
        conversions.ordered_on,
        conversions.buyer_id,
        models.attribution_model,
        0 as touch_number,
        cast(null as uuid) as touch_id,
        '(unattributed)' as channel,
        '(none)' as campaign,
        conversions.revenue_cents,
        conversions.refund_cents,
        conversions.cogs_cents,
        1000000 as conversion_millionths
    from conversions
    cross join models
    where not exists (
        select 1
        from weights
        where weights.order_id = conversions.order_id
    )

),

credits as (

    select * from attributed
    -- A touch too light for a cent or a millionth has no credit.
    where revenue_cents != 0 or refund_cents != 0 or cogs_cents != 0 or conversion_millionths != 0
    union all
    select * from unattributed

)

select * from credits
