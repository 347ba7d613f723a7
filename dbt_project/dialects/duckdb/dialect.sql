{#-
    What DuckDB says in its own way. dialects/spark has the same macros for Spark; a test holds the two against each other, and
    finds what only one engine understands in models and other macros.
-#}

{% macro row_identity(key) -%}
    {#- An integer that no other row of the table has, in this statement: it costs no sorting. The key is unique, too. -#}
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

{% macro matches_whole(value, pattern) -%}
    {#- From start to end, ignoring case. -#}
    regexp_full_match({{ value }}, {{ text(pattern) }}, 'i')
{%- endmacro %}

{% macro natural_order(name) -%}
    {#- Names of files as people count, as ingestion/load_tables.py has it: export_9, export_10; a.csv, a (1).csv, a-2.csv. -#}
    {%- set plain = "regexp_replace(replace(" ~ name ~ ", '/', chr(1)), '(([.][A-Za-z][A-Za-z0-9]*)+)$', chr(2) || '\\1')" -%}
    regexp_replace(
        regexp_replace({{ plain }}, '([0-9]+)', '000000000000\1', 'g'), '0*([0-9]{12,})', '\1', 'g'
    )
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

{% macro hash_60_bits(text) -%}
    cast('0x' || substr(md5({{ text }}), 1, 15) as bigint)
{%- endmacro %}

{% macro ordered_sum(expression) -%}
    {#- A sum of doubles depends on the order of its rows; in order of size it is always the same. -#}
    list_sum(list_sort(list({{ expression }})))
{%- endmacro %}

{% macro text_type() -%}
    varchar
{%- endmacro %}

{% macro uuid_type() -%}
    uuid
{%- endmacro %}

{% macro lower_case(text) -%}
    {#- Letter by letter, whatever stands beside it. -#}
    lower({{ text }})
{%- endmacro %}

{% macro trimmed(text) -%}
    {#- Without blanks of any script at its ends. -#}
    trim({{ text }})
{%- endmacro %}

{% macro sign_of(number) -%}
    sign({{ number }})
{%- endmacro %}

{% macro wide_sum(amount) -%}
    {#- An aggregate of integers that does not end where 64 bits do. -#}
    sum({{ amount }})
{%- endmacro %}

{% macro wide_divide(dividend, divisor) -%}
    {#- As integer_divide(), of integers beyond 64 bits. -#}
    {{ integer_divide(dividend, divisor) }}
{%- endmacro %}

{% macro double(literal) -%}
    {#- A number with a point as a double. -#}
    {{ literal }}
{%- endmacro %}

{% macro ratio(dividend, divisor) -%}
    {#- Of doubles; nothing comes of a division by zero. -#}
    {{ dividend }} / {{ divisor }}
{%- endmacro %}

{% macro latest_of(value, moment) -%}
    {#- An aggregate: the last value that there is. -#}
    max_by({{ value }}, {{ moment }})
{%- endmacro %}

{% macro columns_in(columns) -%}
    {#- Columns of a subquery that is compared with several at once. -#}
    ({{ columns | join(', ') }})
{%- endmacro %}

{% macro window_dates() -%}
    cast({{ window_days() }} as date)
{%- endmacro %}

{% macro half_even(dividend, divisor) -%}
    {#-
        dividend / divisor, rounded half to even; the divisor is positive. Dividing wide integers is slow, so a double
        makes the first guess, which is off by 1 at most (up to 2^52), and the integers' remainder corrects it.
    -#}
    {%- set guess -%}
        cast(round(cast({{ dividend }} as double) / cast({{ divisor }} as double)) as {{ wide_integer() }})
    {%- endset -%}
    {%- set twice_left -%}
        2 * ({{ dividend }} - {{ guess }} * {{ divisor }})
    {%- endset -%}
    (
        {{ guess }} + case
            when {{ twice_left }} > {{ divisor }} or ({{ twice_left }} = {{ divisor }} and {{ guess }} % 2 != 0) then 1
            when {{ twice_left }} < -{{ divisor }} or ({{ twice_left }} = -{{ divisor }} and {{ guess }} % 2 != 0) then -1
            else 0
        end
    )
{%- endmacro %}

{% macro half_even_of_any(dividend, divisor) -%}
    {#- The same of any quotient, for what is not negative. -#}
    {%- set whole -%} {{ wide_divide(dividend, divisor) }} {%- endset -%}
    {%- set twice_left -%}
        2 * ({{ dividend }} - {{ whole }} * {{ divisor }})
    {%- endset -%}
    (
        {{ whole }} + case
            when {{ twice_left }} > {{ divisor }} or ({{ twice_left }} = {{ divisor }} and {{ whole }} % 2 != 0) then 1
            else 0
        end
    )
{%- endmacro %}

{% macro summed_as(name) -%}
    {#- In `having`: the sum of a column, of which what is selected has the sum by the same name. -#}
    sum({{ name }})
{%- endmacro %}

{% macro at_most(value, most) -%}
    case when {{ value }} > {{ most }} then {{ most }} else {{ value }} end
{%- endmacro %}
