with

shares as (

    select
        order_id,
        ordered_on,
        buyer_id,
        attribution_model,
        touch_number,
        touch_id,
        channel,
        campaign,
        revenue_cents,
        refund_cents,
        cogs_cents,
        conversion_millionths
    from {{ ref('int_attribution__shares') }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where {{ in_window('ordered_on') }} and is_priced

),

models as (

    {{ attribution_models() }}

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
        from shares
        where shares.order_id = conversions.order_id
    )

),

credits as (

    select * from shares
    union all
    select * from unattributed

)

select * from credits
