{#- Lists and structs as DuckDB says them; see dialect.sql. -#}

{% macro nth_largest(expression, n, count) -%}
    {#- An aggregate of `count` rows, at most 999,999: a heap of so many costs less than a list that is sorted. NULL where n is 0. -#}
    max({{ expression }}, {{ count }})[cast({{ n }} as bigint)]
{%- endmacro %}

{% macro ordered_list(expression, order) -%}
    list({{ expression }} order by {{ order }})
{%- endmacro %}

{% macro named_field(name, value) -%}
    {{ name }} := {{ value }}
{%- endmacro %}

{% macro struct_of(fields) -%}
    struct_pack(
        {{ fields | join(',\n        ') }}
    )
{%- endmacro %}

{% macro field(struct, name) -%}
    {{ struct }}.{{ name }}
{%- endmacro %}

{% macro list_of(expression) -%}
    {#- An aggregate, in no order. -#}
    list({{ expression }})
{%- endmacro %}

{% macro sorted_list(expression) -%}
    {#- An aggregate: of integers, far lighter than ordered_list. -#}
    list_sort(list({{ expression }}))
{%- endmacro %}

{% macro power_of_two_above(n) -%}
    cast(pow(2, floor(log2({{ n }} + 0.5)) + 1) as bigint)
{%- endmacro %}

{% macro remainders(list, power_of_two) -%}
    {#- From 0, of negative integers too. -#}
    [n & ({{ power_of_two }} - 1) for n in {{ list }}]
{%- endmacro %}

{% macro items_between(list, lowest, highest) -%}
    {#- Of a sorted list, most of which lie between as they are. -#}
    case
        when {{ list }}[1] >= {{ lowest }} and {{ list }}[-1] <= {{ highest }} then {{ list }}
        else [n for n in {{ list }} if n >= {{ lowest }} and n <= {{ highest }}]
    end
{%- endmacro %}

{% macro list_length(list) -%}
    len({{ list }})
{%- endmacro %}

{% macro any_between(list, lowest, highest) -%}
    len([item for item in {{ list }} if item between {{ lowest }} and {{ highest }}]) > 0
{%- endmacro %}

{% macro list_of_distinct(expression) -%}
    {#- An aggregate, in no order. -#}
    list(distinct {{ expression }})
{%- endmacro %}

{% macro has_item(list, item) -%}
    {#- False where there is no list. -#}
    coalesce(list_contains({{ list }}, {{ item }}), false)
{%- endmacro %}

{% macro items_at(list, positions) -%}
    {#- Of a list, those at the positions (from 1) that another list names. -#}
    [{{ list }}[n] for n in {{ positions }}]
{%- endmacro %}

{% macro position_in(list, item) -%}
    {#- From 1. -#}
    list_position({{ list }}, {{ item }})
{%- endmacro %}

{% macro positions_in(list, items) -%}
    {#- From 1, of each of the items in the list. -#}
    [list_position({{ list }}, item) for item in {{ items }}]
{%- endmacro %}

{% macro without_repeats(path) -%}
    {#- A list with each run of equal neighbours as one. -#}
    [item for item, n in {{ path }} if n = 1 or item != {{ path }}[n - 1]]
{%- endmacro %}

{% macro list_positions(path) -%}
    unnest(generate_series(1, len({{ path }})))
{%- endmacro %}

{% macro without_position(path, position) -%}
    list_concat({{ path }}[:{{ position }} - 1], {{ path }}[{{ position }} + 1:])
{%- endmacro %}

{% macro item_code(position, item) -%}
    {#- An integer of an item at its place in a list. -#}
    cast(hash(cast({{ position }} as bigint), {{ item }}) as {{ wide_integer() }})
{%- endmacro %}

{% macro path_code(path) -%}
    {#- The sum of its items' codes: other paths rarely have the same. -#}
    list_sum([{{ item_code('n', path ~ '[n]') }} for n in generate_series(1, len({{ path }}))])
{%- endmacro %}

{% macro unnested(list, item) -%}
    unnest({{ list }}) as {{ item }}
{%- endmacro %}

{% macro unnested_with_positions(list, item, position) -%}
    {#- Two columns; positions count from 1. -#}
    unnest({{ list }}) as {{ item }},
{{ list_positions(list) }} as {{ position }}
{%- endmacro %}

{% macro unnest_models(relation, amounts) -%}
    {#- The columns of a row per attribution model: its name, and its field of each of the relation's columns `amounts`. -#}
    unnest([
        {%- for model in model_names() %}'{{ model }}'{{ ', ' if not loop.last }}{% endfor -%}
    ]) as attribution_model
    {%- for amount in amounts %},
    unnest([
        {%- for model in model_names() %}{{ field(relation ~ '.' ~ amount, model) }}{{ ', ' if not loop.last }}{% endfor -%}
    ]) as {{ amount }}
    {%- endfor %}
{%- endmacro %}

{% macro learning_months(kept) -%}
    {#-
        Months of the window with the 90 days that they are learned from, without those whose weights are `kept`, and
        those that froze without any: they showed nothing, and what comes late for their final days is no lesson.
    -#}
    select
        month,
        last_on - 89 as first_on,
        last_on
    from (
        select
            cast(months.month as date) as month,
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
                from (select cast({{ window_days() }} as date) as day) as days
                where {{ is_open_day('days.day') }}
            )
        )
        {%- endif %}
    {%- endif %}
{%- endmacro %}
