{% test reconciles_to(model, to, by, measures, period, to_measures=none) %}
-- Fails if, in the window, any attribution model's sum of a measure differs from the other table's, by day.
{%- set condition = in_window_months(period) if period == 'month' else in_window(period) %}
{%- set others = to_measures or measures %}
with

theirs as (

    select
        {{ by }} as unit,
        models.attribution_model,
        {% for other in others -%}
            sum({{ other }}) as {{ measures[loop.index0] }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ to }}
    cross join ({{ attribution_models() }}) as models
    where {{ condition }}
    group by unit, models.attribution_model

),

ours as (

    select
        {{ by }} as unit,
        attribution_model,
        {% for measure in measures -%}
            sum({{ measure }}) as {{ measure }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ model }}
    where {{ condition }}
    group by unit, attribution_model

)

select *
from ours
full outer join theirs using (unit, attribution_model)
where
    {% for measure in measures -%}
        {{ "or" if not loop.first }} coalesce(ours.{{ measure }}, 0) != coalesce(theirs.{{ measure }}, 0)
    {% endfor %}
{% endtest %}
