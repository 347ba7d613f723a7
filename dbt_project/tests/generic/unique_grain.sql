{% test unique_grain(model, columns, period=none) %}
-- Fails if two rows of the window share the columns of the grain.
select {{ columns | join(', ') }}
from {{ model }}
{% if period -%}
where {{ in_window_months(period) if period == 'month' else in_window(period) }}
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
