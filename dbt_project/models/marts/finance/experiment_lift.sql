with

experiments as (

    {{ experiments() }}

),

returns as (

    select * from {{ ref('int_experiments__returns') }}

),

estimates as (

    select * from {{ ref('int_experiments__estimates') }}

),

begun as (

    select
        experiments.*,
        returns.is_over,
        returns.spend_cents,
        returns.attributed_romi
    from experiments
    inner join returns on experiments.experiment = returns.experiment

),

judged as (

    select
        begun.*,
        coalesce(conversions.treated_units, 0) as treated_units,
        coalesce(conversions.control_units, 0) as control_units,
        coalesce(conversions.contaminated_units, 0) as contaminated_units,
        case
            when not begun.is_over then 'running'
            when not coalesce(conversions.has_enough_units, false) then 'too_few_units'
            when not conversions.has_enough_buyers then 'too_few_buyers'
            when coalesce(revenue.lift, conversions.lift) is null then 'no_control_outcome'
            when revenue.lift_low is null or conversions.lift_low is null then 'unbounded_interval'
        end as reason
    from begun
    left join estimates as conversions
        on begun.experiment = conversions.experiment and conversions.measure = 'conversions'
    left join estimates as revenue
        on begun.experiment = revenue.experiment and revenue.measure = 'revenue'

),

-- What is said of the interval alone does not hide the figures.
told as (

    select estimates.*
    from estimates
    inner join judged on estimates.experiment = judged.experiment
    where coalesce(judged.reason, 'unbounded_interval') = 'unbounded_interval'

),

experiment_lift as (

    select
        judged.experiment,
        cast('{{ var("region") }}' as {{ text_type() }}) as region,
        judged.channel,
        coalesce(judged.campaign, '(all)') as campaign,
        judged.assignment,
        judged.from_date,
        judged.to_date,
        judged.treated_units,
        judged.control_units,
        judged.contaminated_units,
        judged.confidence,
        revenue.lift,
        revenue.lift_low,
        revenue.lift_high,
        conversions.lift as conversion_lift,
        conversions.lift_low as conversion_lift_low,
        conversions.lift_high as conversion_lift_high,
        cast(conversions.incremental as decimal(18, 6)) as incremental_conversions,
        cast(conversions.incremental_low as decimal(18, 6)) as incremental_conversions_low,
        cast(conversions.incremental_high as decimal(18, 6)) as incremental_conversions_high,
        {{ rounded_money('revenue.incremental') }} as incremental_revenue,
        {{ rounded_money('revenue.incremental_low') }} as incremental_revenue_low,
        {{ rounded_money('revenue.incremental_high') }} as incremental_revenue_high,
        {{ rounded_money('margin.incremental') }} as incremental_margin,
        {{ rounded_money('margin.incremental_low') }} as incremental_margin_low,
        {{ rounded_money('margin.incremental_high') }} as incremental_margin_high,
        {{ as_money('judged.spend_cents') }} as spend,
        (margin.incremental - judged.spend_cents) / nullif(judged.spend_cents, 0) as incremental_romi,
        (margin.incremental_low - judged.spend_cents) / nullif(judged.spend_cents, 0) as incremental_romi_low,
        (margin.incremental_high - judged.spend_cents) / nullif(judged.spend_cents, 0) as incremental_romi_high,
        '{{ var("release_model") }}' as attribution_model,
        judged.attributed_romi,
        judged.reason
    from judged
    left join told as conversions
        on judged.experiment = conversions.experiment and conversions.measure = 'conversions'
    left join told as revenue on judged.experiment = revenue.experiment and revenue.measure = 'revenue'
    left join told as margin on judged.experiment = margin.experiment and margin.measure = 'margin'

)

select * from experiment_lift
{% if is_incremental() -%}
where experiment not in (select kept.experiment from {{ this }} as kept)
{%- endif %}
