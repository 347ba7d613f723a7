{#- Tracks that the configuration counts as conversions, at a fixed value in the reporting currency. -#}

{% macro is_purchase(conversions='') -%}
    {#- An order, and no track that the configuration counts as a conversion. -#}
    {{ conversions ~ '.' if conversions }}conversion_type = 'Order Completed'
{%- endmacro %}

{% macro configured_events() -%}
    {#- As more values of a list. -#}
    {%- for one in var('conversions') %}, {{ text(one.event) }}{% endfor %}
{%- endmacro %}

{% macro configured_currency(event, otherwise) -%}
    case
        {%- for one in var('conversions') %}
        when {{ event }} = {{ text(one.event) }} then '{{ var("reporting_currency") }}'
        {%- endfor %}
        when true then {{ otherwise }}
    end
{%- endmacro %}

{% macro configured_value(event, otherwise) -%}
    case
        {%- for one in var('conversions') %}
        when {{ event }} = {{ text(one.event) }} then {{ one.cents | default(0) | int }}
        {%- endfor %}
        when true then {{ otherwise }}
    end
{%- endmacro %}

{% macro in_lookback(conversions, touchpoints) -%}
    (
        {{ conversions }}.person_id = {{ touchpoints }}.person_id
        and {{ within_days(conversions, touchpoints, var('longest_lookback_days') | int) }}
        and {{ conversions }}.converted_at >= {{ touchpoints }}.touched_at
        {%- if var('longest_lookback_days') != var('lookback_days') %}
        and (
            not {{ is_purchase(conversions) }}
            or {{ within_days(conversions, touchpoints, var('lookback_days') | int) }}
        )
        {%- endif %}
        {%- for one in var('conversions') %}
        and (
            {{ conversions }}.conversion_type != {{ text(one.event) }}
            or {{ within_days(conversions, touchpoints, one.lookback_days | default(0) | int) }}
        )
        {%- endfor %}
    )
{%- endmacro %}

{% macro within_days(conversions, touchpoints, days) -%}
    {{ minus_days(conversions ~ '.converted_at', days) }} <= {{ touchpoints }}.touched_at
{%- endmacro %}
