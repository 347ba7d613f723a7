{% test reconciles_to(model, to, period, measures, to_period=none, to_measures=none, window='days') %}
-- Fails if a period of the window, in any attribution model, has another sum of a measure than the other table.
-- A month is held against the days of the other table where `to_period` names them.
{%- set theirs, others = to_period or period, to_measures or measures %}
with

ours as (

    select
        {{ period }} as period,
        attribution_model,
        {% for measure in measures -%}
            sum({{ measure }}) as measure_{{ loop.index }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ model }}
    where {{ in_window_of(window, period) }}
    group by {{ period }}, attribution_model

),

theirs as (

    select
        {{ month_of(theirs) if window == 'months' else theirs }} as period,
        attribution_model,
        {% for other in others -%}
            sum({{ other }}) as measure_{{ loop.index }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ to }}
    where {{ in_window_of(window, theirs) }}
    group by {{ month_of(theirs) if window == 'months' else theirs }}, attribution_model

)

select *
from ours
full outer join theirs using (period, attribution_model)
where
    {% for measure in measures -%}
        {{ "or" if not loop.first }} coalesce(ours.measure_{{ loop.index }}, 0) != coalesce(theirs.measure_{{ loop.index }}, 0)
    {% endfor %}
{% endtest %}
