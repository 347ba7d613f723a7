with

standing as (

    select
        published.month,
        published.cohort,
        case when published.level = 2 then published.channel else '(other)' end as channel,
        {{ unnest_models('published', amounts()) | indent(8) }}
    from {{ ref('int_privacy__published_cohorts') }} as published
    where published.level > 0 and published.month >= {{ month_of(from_date()) }}

),

returns as (

    select
        month,
        cohort,
        channel,
        attribution_model,
        cast(sum(conversion_millionths) as bigint) as conversion_millionths,
        cast(sum(revenue_cents - refund_cents) as bigint) as net_revenue_cents,
        cast(sum(revenue_cents - refund_cents - cogs_cents) as bigint) as margin_cents
    from standing
    group by all

)

select * from returns
where conversion_millionths != 0 or net_revenue_cents != 0 or margin_cents != 0
