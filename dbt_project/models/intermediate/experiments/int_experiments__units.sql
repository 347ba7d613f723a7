with

persons as (

    select * from {{ ref('int_experiments__persons') }}

),

ordered as (

    select
        experiment,
        arm,
        person_id,
        geography,
        count(*) filter (where not is_before) as conversions,
        coalesce(sum(revenue_cents) filter (where not is_before), 0) as revenue_cents,
        coalesce(sum(margin_cents) filter (where not is_before), 0) as margin_cents,
        count(*) filter (where is_before) as conversions_before,
        coalesce(sum(revenue_cents) filter (where is_before), 0) as revenue_cents_before,
        coalesce(sum(margin_cents) filter (where is_before), 0) as margin_cents_before
    from {{ ref('int_experiments__orders') }}
    where arm is not null
    group by experiment, arm, person_id, geography

),

units as (

    -- A person is measured against 1, a geography against itself before the experiment.
    select
        persons.experiment,
        persons.arm,
        persons.is_contaminated,
        coalesce(ordered.conversions, 0) as conversions,
        coalesce(ordered.revenue_cents, 0) as revenue,
        coalesce(ordered.margin_cents, 0) as margin,
        1 as conversions_base,
        1 as revenue_base,
        1 as margin_base
    from persons
    left join ordered on persons.experiment = ordered.experiment and persons.person_id = ordered.person_id
    union all
    select
        experiment,
        arm,
        false as is_contaminated,
        conversions,
        revenue_cents as revenue,
        margin_cents as margin,
        conversions_before as conversions_base,
        revenue_cents_before as revenue_base,
        margin_cents_before as margin_base
    from ordered
    where geography is not null

),

measured as (

    {% for measure in ('conversions', 'revenue', 'margin') -%}
    select
        experiment,
        arm,
        is_contaminated,
        '{{ measure }}' as measure,
        cast({{ measure }}_base as {{ wide_integer() }}) as base,
        cast({{ measure }} as {{ wide_integer() }}) as amount
    from units
    {% if not loop.last -%}
    union all
    {% endif %}
    {%- endfor %}

)

select * from measured
