with

acquisitions as (

    select * from {{ ref('int_payback__acquisitions') }}

),

-- What each cohort brought in a month: the first orders in its own, and the later ones.
brought as (

    select
        month,
        month as cohort,
        channel,
        attribution_model,
        conversion_millionths,
        net_revenue_cents,
        margin_cents
    from acquisitions
    union all
    select
        month,
        cohort,
        channel,
        attribution_model,
        conversion_millionths,
        net_revenue_cents,
        margin_cents
    from {{ ref('int_payback__returns') }}

),

months as (

    select distinct {{ month_of('ordered_on') }} as month
    from {{ ref('int_orders__conversions') }}
    where is_priced and {{ month_of('ordered_on') }} >= {{ month_of(from_date()) }}

),

cells as (

    select distinct
        cohort,
        channel,
        attribution_model
    from brought

),

so_far as (

    select
        months.month,
        cells.cohort,
        cells.channel,
        cells.attribution_model,
        sum(brought.conversion_millionths) as conversion_millionths,
        sum(brought.net_revenue_cents) as net_revenue_cents,
        sum(brought.margin_cents) as margin_cents
    from months
    inner join cells
        on
            months.month >= cells.cohort
            and {{ months_between('cells.cohort', 'months.month') }} <= {{ followed_months() }}
    inner join brought
        on
            cells.cohort = brought.cohort
            and cells.channel = brought.channel
            and cells.attribution_model = brought.attribution_model
            and months.month >= brought.month
    group by months.month, cells.cohort, cells.channel, cells.attribution_model

),

models as (

    {{ attribution_models() }}

),

-- Orders that are in no cohort: what the month has more than all that is in one.
wholes as (

    select
        {{ month_of('conversions.ordered_on') }} as month,
        models.attribution_model,
        count(*) * 1000000 as conversion_millionths,
        sum(conversions.revenue_cents - conversions.refund_cents) as net_revenue_cents,
        sum(conversions.revenue_cents - conversions.refund_cents - conversions.cogs_cents) as margin_cents
    from {{ ref('int_orders__conversions') }} as conversions
    cross join models
    where conversions.is_priced and {{ month_of('conversions.ordered_on') }} >= {{ month_of(from_date()) }}
    group by all

),

parts as (

    select
        month,
        attribution_model,
        sum(conversion_millionths) as conversion_millionths,
        sum(net_revenue_cents) as net_revenue_cents,
        sum(margin_cents) as margin_cents
    from brought
    group by month, attribution_model

),

cumulated as (

    select
        so_far.*,
        coalesce(acquisitions.conversion_millionths, 0) as buyer_millionths,
        coalesce(acquisitions.spend_cents, 0) as spend_cents
    from so_far
    left join acquisitions
        on
            so_far.cohort = acquisitions.month
            and so_far.channel = acquisitions.channel
            and so_far.attribution_model = acquisitions.attribution_model
    union all
    select
        wholes.month,
        wholes.month as cohort,
        '(unknown)' as channel,
        wholes.attribution_model,
        wholes.conversion_millionths - coalesce(parts.conversion_millionths, 0) as conversion_millionths,
        wholes.net_revenue_cents - coalesce(parts.net_revenue_cents, 0) as net_revenue_cents,
        wholes.margin_cents - coalesce(parts.margin_cents, 0) as margin_cents,
        0 as buyer_millionths,
        0 as spend_cents
    from wholes
    left join parts on wholes.month = parts.month and wholes.attribution_model = parts.attribution_model

)

select
    cohort,
    cast('{{ var("region") }}' as {{ text_type() }}) as region,
    channel,
    attribution_model,
    cast({{ months_between('cohort', 'month') }} as bigint) as months_since,
    month,
    {{ as_conversions('cast(buyer_millionths as bigint)') }} as buyers,
    {{ as_conversions('cast(conversion_millionths as bigint)') }} as orders,
    {{ as_money('cast(net_revenue_cents as bigint)') }} as net_revenue,
    {{ as_money('cast(margin_cents as bigint)') }} as margin,
    {{ as_money('cast(spend_cents as bigint)') }} as spend,
    cast(margin_cents as double) / nullif(cast(spend_cents as double), 0) as payback
from cumulated
where channel != '(unknown)' or conversion_millionths != 0 or net_revenue_cents != 0 or margin_cents != 0
