with

{{ published_credit(month_of('ordered_on'), 'segment_level', in_window_months('ordered_on'), [
    ('segment', 'segment', '(other)'), ('channel', "case when segment_level = 2 then channel else '(other)' end", '(other)')
]) }}

by_segment as (

    select
        period as month,
        segment,
        channel,
        attribution_model,
        cast(conversion_millionths as bigint) as conversion_millionths,
        cast(revenue_cents as bigint) as revenue_cents,
        cast(refund_cents as bigint) as refund_cents,
        cast(cogs_cents as bigint) as cogs_cents
    from credits

)

select * from by_segment
