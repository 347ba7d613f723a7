{#- Lists and structs as Spark says them; see dialect.sql. -#}

{% macro nth_largest(expression, n, count) -%}
    get(sort_array(collect_list({{ expression }}), false), cast({{ n }} as int) - 1)
{%- endmacro %}

{% macro ordered_list(expression, order) -%}
    {%- if order != expression ~ ' asc nulls last' -%}
        {{ exceptions.raise_compiler_error('On Spark a list has the order of what is in it, and none else: ' ~ order) }}
    {%- endif -%}
    array_sort(collect_list({{ expression }}))
{%- endmacro %}

{% macro named_field(name, value) -%}
    '{{ name }}', {{ value }}
{%- endmacro %}

{% macro struct_of(fields) -%}
    named_struct(
        {{ fields | join(',\n        ') }}
    )
{%- endmacro %}

{% macro field(struct, name) -%}
    {{ struct }}.{{ name }}
{%- endmacro %}

{% macro list_of(expression) -%}
    collect_list({{ expression }})
{%- endmacro %}

{% macro sorted_list(expression) -%}
    array_sort(collect_list({{ expression }}))
{%- endmacro %}

{% macro list_of_distinct(expression) -%}
    collect_set({{ expression }})
{%- endmacro %}

{% macro power_of_two_above(n) -%}
    cast(pow(2, floor(log2({{ n }} + 0.5D)) + 1) as bigint)
{%- endmacro %}

{% macro remainders(list, power_of_two) -%}
    transform({{ list }}, n -> n & ({{ power_of_two }} - 1))
{%- endmacro %}

{% macro items_between(list, lowest, highest) -%}
    filter({{ list }}, n -> n >= {{ lowest }} and n <= {{ highest }})
{%- endmacro %}

{% macro list_length(list) -%}
    size({{ list }})
{%- endmacro %}

{% macro any_between(list, lowest, highest) -%}
    exists({{ list }}, item -> item between {{ lowest }} and {{ highest }})
{%- endmacro %}

{% macro has_item(list, item) -%}
    coalesce(array_contains({{ list }}, {{ item }}), false)
{%- endmacro %}

{% macro items_at(list, positions) -%}
    transform({{ positions }}, n -> get({{ list }}, cast(n as int) - 1))
{%- endmacro %}

{% macro position_in(list, item) -%}
    nullif(array_position({{ list }}, {{ item }}), 0)
{%- endmacro %}

{% macro positions_in(list, items) -%}
    transform({{ items }}, item -> nullif(array_position({{ list }}, item), 0))
{%- endmacro %}

{% macro without_repeats(path) -%}
    filter({{ path }}, (item, n) -> n = 0 or item != get({{ path }}, n - 1))
{%- endmacro %}

{% macro list_positions(path) -%}
    explode(transform({{ path }}, (item, n) -> cast(n + 1 as bigint)))
{%- endmacro %}

{% macro without_position(path, position) -%}
    filter({{ path }}, (item, n) -> n + 1 != {{ position }})
{%- endmacro %}

{% macro item_code(position, item) -%}
    cast(xxhash64(cast({{ position }} as bigint), {{ item }}) as {{ wide_integer() }})
{%- endmacro %}

{% macro path_code(path) -%}
    aggregate(
        transform({{ path }}, (item, n) -> {{ item_code('n + 1', 'item') }}),
        cast(0 as {{ wide_integer() }}),
        (total, code) -> cast(total + code as {{ wide_integer() }})
    )
{%- endmacro %}

{% macro unnested(list, item) -%}
    explode({{ list }}) as {{ item }}
{%- endmacro %}

{% macro unnested_with_positions(list, item, position) -%}
    inline(transform({{ list }}, (item, n) -> struct(item, cast(n + 1 as bigint)))) as ({{ item }}, {{ position }})
{%- endmacro %}

{% macro unnest_models(relation, amounts) -%}
    inline(array(
        {%- for model in model_names() %}
        named_struct('model', '{{ model }}'{% for amount in amounts %}, '{{ amount }}', {{ field(relation ~ '.' ~ amount, model) }}{% endfor %})
        {{- ',' if not loop.last }}
        {%- endfor %}
    )) as (attribution_model, {{ amounts | join(', ') }})
{%- endmacro %}

{% macro learning_months(kept) -%}
    {#- As on DuckDB, but that nothing may stand around a list that becomes rows. -#}
    select
        month,
        last_on - 89 as first_on,
        last_on
    from (
        select
            months.month,
            {{ last_day_of('months.month') }} as last_on
        from (select {{ window_months() }} as month) as months
    ) as months_of_window
    {%- if kept is not none %}
    where
        month not in (select kept.month from {{ kept }} as kept)
        {%- if var('frozen_through') %}
        and (
            last_on > date '{{ var("frozen_through") }}'
            or month in (
                select {{ month_of('days.day') }}
                from (select {{ window_dates() }} as day) as days
                where {{ is_open_day('days.day') }}
            )
        )
        {%- endif %}
    {%- endif %}
{%- endmacro %}
