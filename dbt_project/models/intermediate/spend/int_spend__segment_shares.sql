-- Only of figures that are published, so that no share tells of conversions that are hidden.
with

segments as (

    select * from {{ ref('int_privacy__segment_credits') }}

),

months as (

    select
        {{ month_of('ordered_on') }} as month,
        channel,
        attribution_model,
        sum(conversion_millionths) as conversion_millionths
    from {{ ref('int_privacy__standing_credits') }}
    where month_level > 0 and {{ in_window_months('ordered_on') }}
    group by all

),

-- A channel's conversions of the month beyond those that its segments show stand in (other), and their cost with them.
hidden as (

    select
        months.month,
        months.channel,
        months.attribution_model,
        any_value(months.conversion_millionths) - coalesce(sum(segments.conversion_millionths), 0) as weight
    from months
    left join segments
        on
            months.month = segments.month
            and months.channel = segments.channel
            and months.attribution_model = segments.attribution_model
    group by months.month, months.channel, months.attribution_model

),

shares as (

    select
        month,
        channel,
        attribution_model,
        segment,
        channel as published_channel,
        conversion_millionths as weight
    from segments
    union all
    select
        month,
        channel,
        attribution_model,
        '(other)' as segment,
        '(other)' as published_channel,
        weight
    from hidden

)

select * from shares
where weight > 0
