{#- Everything that another engine says differently stands in this file. -#}

{% macro row_identity() -%}
    {#- An integer that no other row of the table has, in this statement: it costs no sorting. -#}
    rowid
{%- endmacro %}

{% macro wide_integer() -%}
    hugeint
{%- endmacro %}

{% macro text(value) -%}
    {#- A value of the configuration as a literal. -#}
    '{{ value | replace("'", "''") }}'
{%- endmacro %}

{% macro integer_divide(dividend, divisor) -%}
    (({{ dividend }}) // ({{ divisor }}))
{%- endmacro %}

{% macro epoch_us(moment) -%}
    epoch_us({{ moment }})
{%- endmacro %}

{% macro plus_minutes(moment, minutes) -%}
    {{ moment }} + interval '{{ minutes }}' minute
{%- endmacro %}

{% macro minus_minutes(moment, minutes) -%}
    {{ moment }} - interval '{{ minutes }}' minute
{%- endmacro %}

{% macro minus_days(moment, days) -%}
    {#- Days of 24 hours, whatever the clocks did. -#}
    {{ moment }} - interval '{{ days * 24 }}' hour
{%- endmacro %}

{% macro days_between(first, last) -%}
    ({{ last }} - {{ first }})
{%- endmacro %}

{% macro month_of(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}

{% macro local_date(moment) -%}
    {#- The region's calendar day of a UTC moment. -#}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ moment }} as date)
    {%- else -%}
        cast(timezone('{{ var("timezone") }}', timezone('UTC', {{ moment }})) as date)
    {%- endif -%}
{%- endmacro %}

{% macro utc_midnight(day) -%}
    {#- The UTC moment at which the region's calendar day begins: the first, where the clocks go back to midnight. -#}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ day }} as timestamp)
    {%- else -%}
        {%- set last_midnight -%}
            timezone('UTC', timezone('{{ var("timezone") }}', cast({{ day }} as timestamp)))
        {%- endset -%}
        {%- set hour_before = minus_minutes(last_midnight, 60) -%}
        case when {{ local_date(hour_before) }} = {{ day }} then {{ hour_before }} else {{ last_midnight }} end
    {%- endif -%}
{%- endmacro %}

{% macro window_days() -%}
    unnest(generate_series({{ from_date() }}, {{ to_date() }}, interval '1' day))
{%- endmacro %}

{% macro window_months() -%}
    unnest(generate_series({{ month_of(from_date()) }}, {{ month_of(to_date()) }}, interval '1' month))
{%- endmacro %}

{% macro last_day_of(month) -%}
    last_day({{ month }})
{%- endmacro %}

{% macro matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro matches_whole(text, pattern) -%}
    {#- From start to end, ignoring case. -#}
    regexp_full_match({{ text }}, '{{ pattern | replace("'", "''") }}', 'i')
{%- endmacro %}

{% macro without_www(host) -%}
    regexp_replace({{ host }}, '^www\.', '')
{%- endmacro %}

{% macro decoded_again(text) -%}
    {#- In lower case, where something of %xx is left over; otherwise NULL, as where it decodes to no text. -#}
    case when {{ matches(text, '%[0-9a-fA-F]{2}') }} then lower(try(url_decode({{ text }}))) end
{%- endmacro %}

{% macro campaign_key(text) -%}
    {#- What spellings of one campaign have in common: case counts for nothing, nor does encoding once too often. -#}
    coalesce(nullif(trim({{ decoded_again(text) }}), ''), lower({{ text }}))
{%- endmacro %}

{% macro uuid_of(text) -%}
    cast(md5({{ text }}) as uuid)
{%- endmacro %}

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

{% macro hash_60_bits(text) -%}
    cast('0x' || substr(md5({{ text }}), 1, 15) as bigint)
{%- endmacro %}

{% macro ordered_sum(expression) -%}
    {#- A sum of doubles depends on the order of its rows; in order of size it is always the same. -#}
    list_sum(list_sort(list({{ expression }})))
{%- endmacro %}
