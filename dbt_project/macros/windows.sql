{#- The window of this run: whole days of the region's calendar, both ends included. -#}

{% macro from_date() -%}
    date '{{ var("from_date") }}'
{%- endmacro %}

{% macro to_date() -%}
    date '{{ var("to_date") }}'
{%- endmacro %}

{% macro window_start() -%}
    {{ utc_midnight(from_date()) }}
{%- endmacro %}

{% macro window_end() -%}
    {#- Not included. -#}
    {{ utc_midnight(to_date() ~ ' + 1') }}
{%- endmacro %}

{% macro in_window(day) -%}
    {{ day }} between {{ from_date() }} and {{ to_date() }}
{%- endmacro %}

{% macro in_window_months(day) -%}
    {{ month_of(day) }} between {{ month_of(from_date()) }} and {{ month_of(to_date()) }}
{%- endmacro %}

{#- Pre-hooks. A window that came out empty must be empty, so its rows go before new ones come. -#}

{% macro clear_window(day) -%}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where {{ in_window(day) }}
    {%- endif -%}
{%- endmacro %}

{% macro clear_months(month) -%}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where {{ in_window_months(month) }}
    {%- endif -%}
{%- endmacro %}

{% macro clear_months_not_frozen(month) -%}
    {#- What a month taught stays as it was from `frozen_through` on, for what was booked by it. -#}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where {{ in_window_months(month) }}
        {%- if var('frozen_through') %} and {{ last_day_of(month) }} > date '{{ var("frozen_through") }}' {%- endif %}
    {%- endif -%}
{%- endmacro %}
