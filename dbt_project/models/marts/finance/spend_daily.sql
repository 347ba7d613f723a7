with

costs as (

    select * from {{ ref('int_spend__daily_costs') }}
    where {{ in_window('spend_on') }} and spend_cents is not null

),

spend_daily as (

    select
        spend_on as date,
        cast('{{ var("region") }}' as varchar) as region,
        platform,
        channel,
        campaign,
        {{ as_money('cast(sum(spend_cents) as bigint)') }} as spend,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks
    from costs
    group by spend_on, platform, channel, campaign

)

select * from spend_daily
