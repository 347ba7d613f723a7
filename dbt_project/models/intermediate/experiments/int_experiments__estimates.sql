with

experiments as (

    {{ experiments() }}

),

arms as (

    select * from {{ ref('int_privacy__arms') }}

),

paired as (

    select
        experiments.experiment,
        treated.measure,
        treated.unit_count as treated_units,
        control.unit_count as control_units,
        treated.contaminated_count + control.contaminated_count as contaminated_units,
        least(treated.unit_count, control.unit_count)
        >= case when experiments.assignment = 'geography' then 5 else 30 end as has_enough_units,
        least(treated.buyer_count, control.buyer_count) >= {{ var('k_anonymity') }}
        and (
            experiments.assignment != 'geography'
            or least(treated.buyer_count_before, control.buyer_count_before) >= {{ var('k_anonymity') }}
        )
        -- All orders less those of both arms must not be a few persons' either.
        and treated.rest_buyer_count not between 1 and {{ var('k_anonymity') | int - 1 }}
        and treated.rest_buyer_count_before not between 1 and {{ var('k_anonymity') | int - 1 }} as has_enough_buyers,
        treated.base_total,
        treated.ratio as treated_ratio,
        treated.ratio_variance as treated_variance,
        control.ratio as control_ratio,
        control.ratio_variance as control_variance,
        treated.ratio_variance + control.ratio_variance as difference_variance,
        experiments.quantile as normal_quantile
    from experiments
    inner join arms as treated on experiments.experiment = treated.experiment and treated.arm = 'treated'
    inner join arms as control
        on
            experiments.experiment = control.experiment
            and control.arm = 'control'
            and treated.measure = control.measure

),

-- Welch's degrees of freedom; without any spread they do not matter.
with_degrees as (

    select
        *,
        coalesce(
            pow(difference_variance, 2) / nullif(
                pow(treated_variance, 2) / (treated_units - 1) + pow(control_variance, 2) / (control_units - 1), 0
            ),
            1e9
        ) as degrees
    from paired
    where has_enough_units

),

with_quantiles as (

    select
        *,
        {{ t_quantile('normal_quantile', 'degrees') | indent(8) }} as quantile
    from with_degrees

),

-- Fieller's interval of a ratio: it has two ends only where the control arm is surely above nothing.
with_bounds as (

    select
        *,
        treated_ratio / nullif(control_ratio, 0) as ratio,
        pow(quantile, 2) * control_variance / nullif(pow(control_ratio, 2), 0) as g,
        base_total * (treated_ratio - control_ratio) as incremental,
        base_total * quantile * sqrt(difference_variance) as incremental_half_width
    from with_quantiles

),

with_half_widths as (

    select
        *,
        {{ ratio('quantile', 'control_ratio') }} * sqrt(
            greatest(treated_variance + pow(ratio, 2) * control_variance - g * treated_variance, 0)
        ) as half_width
    from with_bounds

),

estimates as (

    select
        paired.experiment,
        paired.measure,
        paired.treated_units,
        paired.control_units,
        paired.contaminated_units,
        paired.has_enough_units,
        paired.has_enough_buyers,
        case when estimated.control_ratio > 0 then estimated.ratio - 1 end as lift,
        case
            when estimated.control_ratio > 0 and estimated.g < 1
                then (estimated.ratio - estimated.half_width) / (1 - estimated.g) - 1
        end as lift_low,
        case
            when estimated.control_ratio > 0 and estimated.g < 1
                then (estimated.ratio + estimated.half_width) / (1 - estimated.g) - 1
        end as lift_high,
        estimated.incremental,
        estimated.incremental - estimated.incremental_half_width as incremental_low,
        estimated.incremental + estimated.incremental_half_width as incremental_high
    from paired
    left join with_half_widths as estimated
        on paired.experiment = estimated.experiment and paired.measure = estimated.measure

)

select * from estimates
