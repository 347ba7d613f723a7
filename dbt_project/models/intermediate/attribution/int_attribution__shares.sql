with

weights as (

    select
        *,
        1000000 as conversion_millionths,
        cast(sum(weight) over (partition by split_number) as bigint) as total_weight
    from {{ ref('int_attribution__weights') }}

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

ranked as (

    select
        *,
        {{ remainder_rank('revenue_cents', 'revenue_units') | indent(8) }} as revenue_rank,
        {{ remainder_rank('refund_cents', 'refund_units') | indent(8) }} as refund_rank,
        {{ remainder_rank('cogs_cents', 'cogs_units') | indent(8) }} as cogs_rank,
        {{ remainder_rank('conversion_millionths', 'conversion_units') | indent(8) }} as conversion_rank
    from floors

),

winners as (

    select
        split_number,
        {{ lowest_winning_rank('revenue_cents', 'revenue_units', 'revenue_rank') }} as revenue_rank,
        {{ lowest_winning_rank('refund_cents', 'refund_units', 'refund_rank') }} as refund_rank,
        {{ lowest_winning_rank('cogs_cents', 'cogs_units', 'cogs_rank') }} as cogs_rank,
        {{ lowest_winning_rank('conversion_millionths', 'conversion_units', 'conversion_rank') }} as conversion_rank
    from ranked
    group by split_number

),

shares as (

    select
        ranked.order_id,
        ranked.ordered_on,
        ranked.buyer_id,
        ranked.attribution_model,
        ranked.touch_number,
        ranked.touch_id,
        ranked.channel,
        ranked.campaign,
        {{ share('revenue_cents', 'revenue') | indent(8) }} as revenue_cents,
        {{ share('refund_cents', 'refund') | indent(8) }} as refund_cents,
        {{ share('cogs_cents', 'cogs') | indent(8) }} as cogs_cents,
        {{ share('conversion_millionths', 'conversion') | indent(8) }} as conversion_millionths
    from ranked
    inner join winners on ranked.split_number = winners.split_number

)

select * from shares
-- A touch too light for a cent or a millionth has no credit.
where revenue_cents != 0 or refund_cents != 0 or cogs_cents != 0 or conversion_millionths != 0
