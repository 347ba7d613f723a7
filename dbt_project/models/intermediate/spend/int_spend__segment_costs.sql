with

shares as (

    select * from {{ ref('int_spend__segment_shares') }}

),

models as (

    {{ attribution_models() }}

),

costs as (

    select
        {{ month_of('daily_costs.spend_on') }} as month,
        coalesce(cells.published_channel, daily_costs.channel) as channel,
        models.attribution_model,
        cast(sum(daily_costs.spend_cents) as {{ wide_integer() }}) as spend_cents
    from {{ ref('int_spend__daily_costs') }} as daily_costs
    cross join models
    left join {{ ref('int_privacy__monthly_cells') }} as cells
        on
            {{ month_of('daily_costs.spend_on') }} = cells.month
            and daily_costs.channel = cells.channel
            and daily_costs.campaign = cells.campaign
    where {{ in_window_months('daily_costs.spend_on') }} and daily_costs.spend_cents is not null
    group by all

),

-- Cost that nothing was bought for keeps its channel.
weighed as (

    select
        costs.month,
        costs.channel,
        costs.attribution_model,
        costs.spend_cents,
        coalesce(shares.segment, '(other)') as segment,
        coalesce(shares.published_channel, costs.channel) as published_channel,
        coalesce(shares.weight, 1) as weight,
        sum(coalesce(shares.weight, 1)) over (
            partition by costs.month, costs.channel, costs.attribution_model
        ) as total
    from costs
    left join shares
        on
            costs.month = shares.month
            and costs.channel = shares.channel
            and costs.attribution_model = shares.attribution_model

),

floors as (

    select
        *,
        {{ wide_divide('abs(spend_cents) * weight', 'total') }} as cents,
        abs(spend_cents) * weight % total as part_of_cent
    from weighed

),

ranked as (

    select
        *,
        abs(spend_cents) - sum(cents) over (partition by month, channel, attribution_model) as cents_left,
        row_number() over (
            partition by month, channel, attribution_model
            order by part_of_cent desc nulls last, segment asc nulls last, published_channel asc nulls last
        ) as turn
    from floors

),

-- The cents left over go to the largest remainders.
segment_costs as (

    select
        month,
        segment,
        published_channel as channel,
        attribution_model,
        cast(sum(
            {{ sign_of('spend_cents') }} * (cents + case when turn <= cents_left then 1 else 0 end)
        ) as bigint) as spend_cents
    from ranked
    group by month, segment, published_channel, attribution_model

)

select * from segment_costs
