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

{% macro last_day_of_months() -%}
    {#- Of the last month that the window touches. -#}
    last_day({{ to_date() }})
{%- endmacro %}

{% macro first_touch_day() -%}
    {#-
        Orders of the window's months have touches up to the look-back before (of days of 24 hours, so perhaps a calendar
        day more), and a month of touches shares its map of cells with its neighbours. Where the ledger gives an order
        another day than its event's, touches may lie further off, or have done so before this build.
    -#}
    {%- set first -%}
    least(
        cast({{ month_of(month_of(from_date()) ~ ' - ' ~ (var('longest_lookback_days') | int + 1)) }} - interval '1' month as date),
        {%- if var('touched_from') %}
        {{ month_of("date '" ~ var('touched_from') ~ "'") }},
        {%- endif %}
        {{ touched_by_credit('min') }}
    )
    {%- endset -%}
    {%- if var('closed_through') -%}
        greatest({{ first }}, date '{{ var("closed_through") }}' + 1)
    {%- else -%}
        {{ first }}
    {%- endif -%}
{%- endmacro %}

{% macro last_touch_day() -%}
    last_day(greatest(
        cast({{ month_of(to_date()) }} + interval '1' month as date),
        {%- if var('touched_to') %}
        date '{{ var("touched_to") }}',
        {%- endif %}
        {{ touched_by_credit('max') }}
    ))
{%- endmacro %}

{% macro touched_by_credit(extreme) -%}
    {#- The month of the first or last touch of the orders of the window's months; NULL where there is none. -#}
    (
        select {{ month_of(extreme ~ '(placed.touched_on)') }}
        from {{ ref('int_attribution__touch_credits') }} as placed
        where {{ in_window_months('placed.ordered_on') }}
    )
{%- endmacro %}

{% macro in_touch_window(day) -%}
    {{ day }} between {{ first_touch_day() }} and {{ last_touch_day() }}
{%- endmacro %}

{% macro is_open_day(day) -%}
    {#- Not final: what is stored of a final day stays as it is. -#}
    {{ day }} not in (select final_days.day from {{ ref('stg_ops__final_days') }} as final_days)
{%- endmacro %}

{% macro is_disposed(day, through) -%}
    {#- Whether retention has taken what the day is built from: `through` names the variable. -#}
    {%- if var(through) -%} {{ day }} <= date '{{ var(through) }}' {%- else -%} false {%- endif -%}
{%- endmacro %}

{% macro sessions_from() -%}
    {#- The first day of the window whose sessions are built; those before stay as they are. -#}
    {%- if var('sessions_through') -%}
        greatest({{ from_date() }}, date '{{ var("sessions_through") }}' + 1)
    {%- else -%}
        {{ from_date() }}
    {%- endif -%}
{%- endmacro %}

{#- Pre-hooks. A window that came out empty must be empty, so its rows go before new ones come. -#}

{% macro clear_window(day, keep_final=false) -%}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where {{ in_window(day) }}
        {%- if keep_final %} and {{ is_not_kept(day) }} {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro is_not_kept(day) -%}
    {{ day }} not in (select days.day from {{ source('ops', 'days') }} as days where days.is_final)
    and not {{ is_disposed(day, 'kept_through') }}
{%- endmacro %}

{% macro clear_sessions(day) -%}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where {{ in_window(day) }} and not {{ is_disposed(day, 'sessions_through') }}
    {%- endif -%}
{%- endmacro %}

{% macro clear_touch_window(day) -%}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where {{ in_touch_window(day) }}
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

{% macro in_window_of(window, day) -%}
    {#- For tests of tables that are rebuilt by `days`, by whole `months`, or by the days of `touches`. -#}
    {%- if window == 'months' -%} {{ in_window_months(day) }}
    {%- elif window == 'touches' -%} {{ in_touch_window(day) }}
    {%- else -%} {{ in_window(day) }}
    {%- endif -%}
{%- endmacro %}
