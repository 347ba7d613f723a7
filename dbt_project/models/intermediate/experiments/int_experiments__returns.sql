with

experiments as (

    {{ experiments() }}

),

cells as (

    select * from {{ ref('int_privacy__daily_cells') }}

),

credits as (

    select
        ordered_on as date,
        channel,
        case when day_level = 2 then campaign else '(other)' end as campaign,
        cast(sum(revenue_cents - refund_cents - cogs_cents) as bigint) as margin_cents,
        cast(0 as bigint) as spend_cents
    from {{ ref('int_privacy__standing_credits') }}
    where day_level > 0 and attribution_model = '{{ var("release_model") }}' and {{ has_experiments() }}
    group by all

),

costs as (

    select
        spend_on as date,
        channel,
        campaign,
        cast(0 as bigint) as margin_cents,
        spend_cents
    from {{ ref('int_spend__daily_costs') }}
    where spend_cents is not null and {{ has_experiments() }}

),

moved as (

    -- As they are published: a sum of what was moved for being small would give it away.
    select * from credits
    union all
    select
        costs.date,
        coalesce(cells.published_channel, costs.channel) as channel,
        coalesce(cells.published_campaign, costs.campaign) as campaign,
        costs.margin_cents,
        costs.spend_cents
    from costs
    left join cells
        on costs.date = cells.date and costs.channel = cells.channel and costs.campaign = cells.campaign

),

attributed as (

    select
        experiments.experiment,
        sum(moved.margin_cents) as margin_cents,
        sum(moved.spend_cents) as spend_cents
    from experiments
    inner join moved
        on
            moved.date between experiments.from_date and experiments.to_date
            and experiments.channel = moved.channel
            and coalesce(experiments.campaign, moved.campaign) = moved.campaign
    group by experiments.experiment

),

spent as (

    select
        experiments.experiment,
        sum(costs.spend_cents) as spend_cents
    from experiments
    inner join costs
        on
            costs.date between experiments.from_date and experiments.to_date
            and experiments.channel = costs.channel
            and coalesce(experiments.campaign, costs.campaign) = costs.campaign
    group by experiments.experiment

),

latest as (

    -- By orders of events: a ledger may be dated ahead.
    select max(ordered_on) as latest_on
    from {{ ref('int_orders__conversions') }}
    where is_in_events

),

returns as (

    select
        experiments.experiment,
        latest.latest_on > experiments.to_date as is_over,
        cast(coalesce(spent.spend_cents, 0) as bigint) as spend_cents,
        cast(attributed.margin_cents - attributed.spend_cents as double)
        / nullif(attributed.spend_cents, 0) as attributed_romi
    from experiments
    inner join latest on experiments.from_date <= latest.latest_on
    left join spent on experiments.experiment = spent.experiment
    left join attributed on experiments.experiment = attributed.experiment

)

select * from returns
