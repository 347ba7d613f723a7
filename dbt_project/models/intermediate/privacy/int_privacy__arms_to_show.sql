{%- set shown = as_last_built('int_privacy__arms') -%}
{%- set k = [var('k_anonymity') | int, 1] | max -%}
with

experiments as (

    {{ experiments() }}

),

fresh as (

    select
        arms.*,
        experiments.rules,
        -- Whether a version that is built of this shows figures of both arms.
        coalesce(outcomes.is_over, false)
        and min(arms.buyer_count) over (partition by arms.experiment) >= {{ k }} as is_shown,
        {{ k }} as k_anonymity
    from {{ ref('int_experiments__arms') }} as arms
    inner join experiments on arms.experiment = experiments.experiment
    left join {{ ref('int_experiments__returns') }} as outcomes on arms.experiment = outcomes.experiment

){% if shown and k > 1 -%},

before as (

    select * from {{ shown }}
    where is_shown and k_anonymity = {{ k }}

),

-- What is shown of an experiment steps, too: it stays what it was until k buyers of each arm that has changed, and of
-- the orders in neither, are others.
held as (

    select before.experiment
    from before
    inner join fresh
        on
            before.experiment = fresh.experiment
            and before.arm = fresh.arm
            and before.measure = fresh.measure
            and before.rules = fresh.rules
    group by before.experiment
    having
        {{ var('steps_are_held') | lower }}
        or max(
            case
                when
                    (fresh.total != before.total or fresh.unit_count != before.unit_count)
                    and abs(fresh.buyer_count - before.buyer_count) < {{ k }}
                    and abs(fresh.refunded_count - before.refunded_count) < {{ k }}
                    then 1
                when
                    fresh.base_total != before.base_total and fresh.base_total != fresh.unit_count
                    and abs(fresh.buyer_count_before - before.buyer_count_before) < {{ k }}
                    then 1
                when
                    (
                        fresh.rest_revenue_cents != before.rest_revenue_cents
                        or fresh.rest_margin_cents != before.rest_margin_cents
                    )
                    and abs(fresh.rest_buyer_count - before.rest_buyer_count) < {{ k }}
                    and abs(fresh.rest_refunded_count - before.rest_refunded_count) < {{ k }}
                    then 1
                else 0
            end
        ) = 1

),

arms as (

    -- Where steps are held, it takes k buyers more than there are now from here on.
    select
        {{ arm_columns('before', counts_of='fresh' if var('steps_are_held') else 'before') | indent(8) }}
    from before
    inner join fresh
        on before.experiment = fresh.experiment and before.arm = fresh.arm and before.measure = fresh.measure
    where before.experiment in (select held.experiment from held)
    union all
    select
        {{ arm_columns('fresh') | indent(8) }}
    from fresh
    where fresh.experiment not in (select held.experiment from held)

)

select * from arms
{%- else %}

select
    {{ arm_columns('fresh') | indent(4) }}
from fresh
{%- endif %}
