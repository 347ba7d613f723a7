with

units as (

    select * from {{ ref('int_experiments__units') }}

),

orders as (

    select * from {{ ref('int_experiments__orders') }}

),

buyers as (

    select
        experiment,
        coalesce(arm, 'neither') as arm,
        count(distinct case when not is_before then buyer_id end) as buyer_count,
        count(distinct case when is_before then buyer_id end) as buyer_count_before,
        count(distinct case when not is_before and refund_cents != 0 then buyer_id end) as refunded_count,
        sum(case when not is_before then revenue_cents end) as revenue_cents,
        sum(case when not is_before then margin_cents end) as margin_cents
    from orders
    group by experiment, coalesce(arm, 'neither')

),

totals as (

    select
        experiment,
        arm,
        measure,
        count(*) as unit_count,
        count(*) filter (where is_contaminated) as contaminated_count,
        sum(base) as base_total,
        sum(amount) as total
    from units
    group by experiment, arm, measure

),

-- What total / base_total would be without the unit, less what it is.
deviations as (

    select
        units.experiment,
        units.arm,
        units.measure,
        cast(totals.total * units.base - units.amount * totals.base_total as double)
        / nullif(cast(totals.base_total - units.base as double) * cast(totals.base_total as double), 0) as deviation
    from units
    inner join totals
        on units.experiment = totals.experiment and units.arm = totals.arm and units.measure = totals.measure

),

spreads as (

    select
        experiment,
        arm,
        measure,
        count(*) as unit_count,
        {{ ordered_sum('deviation') }} as deviation_total,
        {{ ordered_sum('deviation * deviation') }} as square_total
    from deviations
    group by experiment, arm, measure

),

arms as (

    select
        totals.experiment,
        totals.arm,
        totals.measure,
        totals.unit_count,
        totals.contaminated_count,
        coalesce(buyers.buyer_count, 0) as buyer_count,
        coalesce(buyers.buyer_count_before, 0) as buyer_count_before,
        coalesce(rest.buyer_count, 0) as rest_buyer_count,
        coalesce(rest.buyer_count_before, 0) as rest_buyer_count_before,
        coalesce(buyers.refunded_count, 0) as refunded_count,
        coalesce(rest.refunded_count, 0) as rest_refunded_count,
        cast(coalesce(rest.revenue_cents, 0) as bigint) as rest_revenue_cents,
        cast(coalesce(rest.margin_cents, 0) as bigint) as rest_margin_cents,
        totals.base_total,
        totals.total,
        cast(totals.total as double) / nullif(totals.base_total, 0) as ratio,
        -- Tukey's jackknife; of a mean per person it is exactly the variance divided by their number.
        greatest(spreads.square_total - pow(spreads.deviation_total, 2) / spreads.unit_count, 0)
        * (spreads.unit_count - 1) / spreads.unit_count as ratio_variance
    from totals
    inner join spreads
        on totals.experiment = spreads.experiment and totals.arm = spreads.arm and totals.measure = spreads.measure
    left join buyers on totals.experiment = buyers.experiment and totals.arm = buyers.arm
    left join buyers as rest on totals.experiment = rest.experiment and rest.arm = 'neither'

)

select * from arms
