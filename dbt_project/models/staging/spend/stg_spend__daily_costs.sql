with

source as (

    select * from {{ source('raw', 'spend') }}

),

latest as (

    -- Platforms restate their cost: the last row of a campaign and day counts.
    select *
    from source
    qualify
        row_number() over (
            partition by platform, spend_on, campaign_id
            order by file desc nulls last, line desc nulls last
        ) = 1

),

renamed as (

    select
        platform,
        spend_on,
        campaign_id,
        nullif(trim(campaign_name), '') as campaign_name,
        nullif(trim(channel), '') as channel,
        impressions,
        clicks,
        spend_minor,
        currency
    from latest

)

select * from renamed
