{#- Cohorts of buyers: by the month of the first order, followed for as long as persons are known. -#}

{% macro months_between(first, last) -%}
    (
        (year({{ last }}) - year({{ first }})) * 12 + month({{ last }}) - month({{ first }})
    )
{%- endmacro %}

{% macro followed_months() -%}
    {#- Whole months after the first one in which no person of the cohort is past the period of buyers. -#}
    {{ [(var('customer_days') | int) // 31 - 1, 0] | max }}
{%- endmacro %}

{% macro clear_months_from(month) -%}
    {#- Of the window's first month and later: what changed of first orders changes what came of them. -#}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where {{ month }} >= {{ month_of(from_date()) }}
    {%- endif -%}
{%- endmacro %}
