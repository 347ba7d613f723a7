with

source as (

    select * from {{ source('raw', 'spend') }}

),

units as (

    select
        currency,
        cast(round(pow(10, 12 - minor_unit)) as {{ wide_integer() }}) as rest_per_minor
    from {{ ref('currencies') }}

),

standing as (

    {{ standing_rows('source') }}

),

added_up as (

    select
        platform,
        spend_on,
        campaign_id,
        currency,
        {{ latest_of("nullif(" ~ trimmed('campaign_name') ~ ", '')", 'landed_as') }} as campaign_name,
        {{ latest_of("nullif(" ~ trimmed('channel') ~ ", '')", 'landed_as') }} as channel,
        cast(coalesce(sum(impressions), 0) as bigint) as impressions,
        cast(coalesce(sum(clicks), 0) as bigint) as clicks,
        cast({{ wide_sum('spend_minor') }} as {{ wide_integer() }}) as whole,
        cast(coalesce({{ wide_sum('spend_rest') }}, 0) as {{ wide_integer() }}) as rest
    from standing
    group by platform, spend_on, campaign_id, currency

),

rounded as (

    -- What is below the minor unit is added up first and rounded then.
    select
        added_up.platform,
        added_up.spend_on,
        added_up.campaign_id,
        added_up.currency,
        added_up.campaign_name,
        added_up.channel,
        added_up.impressions,
        added_up.clicks,
        cast(
            case
                when added_up.rest = 0 then added_up.whole
                else {{ half_even('(added_up.whole * units.rest_per_minor + added_up.rest)', 'units.rest_per_minor') }}
            end as bigint
        ) as spend_minor
    from added_up
    left join units on added_up.currency = units.currency

)

select * from rounded
