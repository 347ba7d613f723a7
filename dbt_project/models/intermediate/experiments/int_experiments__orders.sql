with

experiments as (

    {{ experiments() }}

),

arms as (

    {{ experiment_arms() }}

),

conversions as (

    select
        *,
        revenue_cents - refund_cents - cogs_cents as margin_cents
    from {{ ref('int_orders__conversions') }}
    where is_priced and {{ has_experiments() }}

),

persons as (

    select * from {{ ref('int_experiments__persons') }}

),

order_places as (

    select * from {{ ref('int_experiments__order_places') }}

),

orders_of_persons as (

    select
        experiments.experiment,
        conversions.order_id,
        conversions.buyer_id,
        persons.arm,
        persons.person_id,
        cast(null as {{ text_type() }}) as geography,
        false as is_before,
        conversions.revenue_cents,
        conversions.refund_cents,
        conversions.margin_cents
    from conversions
    inner join experiments
        on
            experiments.assignment != 'geography'
            and conversions.ordered_on between experiments.from_date and experiments.to_date
    left join persons
        on
            experiments.experiment = persons.experiment
            and conversions.person_id = persons.person_id
            and conversions.converted_at >= persons.assigned_at

),

orders_of_geographies as (

    select
        experiments.experiment,
        conversions.order_id,
        conversions.buyer_id,
        coalesce(
            arms.arm, case when experiments.is_rest_treated and order_places.geography is not null then 'treated' end
        ) as arm,
        cast(null as {{ uuid_type() }}) as person_id,
        order_places.geography,
        conversions.ordered_on < experiments.from_date as is_before,
        conversions.revenue_cents,
        conversions.refund_cents,
        conversions.margin_cents
    from conversions
    inner join experiments
        on
            experiments.assignment = 'geography'
            and conversions.ordered_on between experiments.pre_from_date and experiments.to_date
    left join order_places on conversions.order_id = order_places.order_id
    left join arms on experiments.experiment = arms.experiment and order_places.geography = arms.member

),

orders as (

    select * from orders_of_persons
    union all
    select * from orders_of_geographies

)

select * from orders
