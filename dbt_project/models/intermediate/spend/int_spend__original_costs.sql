with

costs as (

    select * from {{ ref('stg_spend__daily_costs') }}
    where {{ in_window('spend_on') }}

),

-- Amounts of several currencies don't add up.
original_costs as (

    select
        spend_on,
        platform,
        campaign_id,
        case when count(distinct currency) = 1 then min(currency) else '(several)' end as currency,
        case when count(distinct currency) = 1 then {{ sum_of_minor('spend_minor') }} end as spend_minor
    from costs
    group by spend_on, platform, campaign_id

)

select * from original_costs
where
    {{ is_open_day('spend_on') }}
    {%- if is_incremental() %}
    -- What became final before this table was there.
    or (spend_on, platform, campaign_id) not in (
        select {{ columns_in(['kept.spend_on', 'kept.platform', 'kept.campaign_id']) }} from {{ this }} as kept
    )
    {%- endif %}
