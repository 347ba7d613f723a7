{% test holds_k_buyers(model, level, columns) %}
-- Fails if a named cell of the window's months rests on fewer than k buyers in some attribution model.
with

published as (

    select
        buyer_id,
        {% for column in columns -%}
            {{ column }} as column_{{ loop.index }},
        {% endfor -%}
{{ unnest_models('credits', amounts()) | indent(8) }}
    from {{ model }} as credits
    where {{ level }} > 0 and {{ in_window_months('month') }}

)

select
    {% for column in columns -%}
        column_{{ loop.index }},
    {% endfor -%}
    attribution_model,
    count(distinct buyer_id) as buyer_count
from published
where revenue_cents != 0 or refund_cents != 0 or cogs_cents != 0 or conversion_millionths != 0
group by all
having count(distinct buyer_id) < {{ var('k_anonymity') }}
{% endtest %}
