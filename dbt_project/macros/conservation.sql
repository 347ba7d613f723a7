{% macro not_conserved(model, whole, by, period, measures, whole_measures=none, whole_where='true') %}
-- Fails if, in the window, some attribution model's parts of a measure do not add up to the whole, by what `by` names.
{%- set others = whole_measures or measures %}
with

wholes as (

    select
        {{ by }} as unit,
        models.attribution_model,
        {% for other in others -%}
            sum({{ other }}) as measure_{{ loop.index }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ whole }}
    cross join ({{ attribution_models() }}) as models
    where {{ in_window(period) }} and {{ whole_where }}
    group by {{ by }}, models.attribution_model

),

parts as (

    select
        {{ by }} as unit,
        attribution_model,
        {% for measure in measures -%}
            sum({{ measure }}) as measure_{{ loop.index }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ model }}
    where {{ in_window(period) }}
    group by {{ by }}, attribution_model

)

select *
from parts
full outer join wholes using (unit, attribution_model)
where
    {% for measure in measures -%}
        {{ "or" if not loop.first }} coalesce(parts.measure_{{ loop.index }}, 0) != coalesce(wholes.measure_{{ loop.index }}, 0)
    {% endfor %}
{% endmacro %}
