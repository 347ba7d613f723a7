{#-
    What Spark says in its own way, in its ANSI mode: the same macros as in dialects/duckdb, where their comments stand. What is
    said here is what differs. A UUID is text, a wide integer a decimal of 38 digits, and a timestamp has no time zone.
-#}

{% macro text_type() -%}
    string
{%- endmacro %}

{% macro uuid_type() -%}
    string
{%- endmacro %}

{% macro wide_integer() -%}
    decimal(38, 0)
{%- endmacro %}

{% macro row_identity(key) -%}
    {#- From the key, so that it is the same however often it is worked out, and wherever. -#}
    row_number() over (order by {{ key }} asc nulls last)
{%- endmacro %}

{% macro text(value) -%}
    {#- Where literals keep their backslashes there is no way to say a quote in one, nor a backslash at its end. -#}
    {%- if "'" in value or value.endswith('\\') -%}
        cast(X'{{ value.encode('utf-8').hex() }}' as string)
    {%- else -%}
        '{{ value }}'
    {%- endif -%}
{%- endmacro %}

{% macro double(literal) -%}
    {{ literal }}D
{%- endmacro %}

{% macro lower_case(text) -%}
    {#- Of two letters Java makes something else: of the Turkish I two, and of the sigma what it is at the end of a word. -#}
    lcase(translate({{ text }}, 'İΣ', 'iσ'))
{%- endmacro %}

{% macro trimmed(text) -%}
    regexp_replace({{ text }}, '^\p{Zs}+|\p{Zs}+$', '')
{%- endmacro %}

{% macro sign_of(number) -%}
    {#- sign() gives a double. -#}
    case when {{ number }} > 0 then 1 when {{ number }} < 0 then -1 else 0 end
{%- endmacro %}

{% macro integer_divide(dividend, divisor) -%}
    {#- By zero it is an error, where DuckDB has nothing. -#}
    (({{ dividend }}) div nullif({{ divisor }}, 0))
{%- endmacro %}

{% macro wide_divide(dividend, divisor) -%}
    {#- Of decimals div gives 64 bits and / rounds, but not where nothing is left over. Of what is not negative. -#}
    {%- set whole = 'cast(' ~ dividend ~ ' as ' ~ wide_integer() ~ ')' -%}
    {%- set parts = 'nullif(' ~ divisor ~ ', 0)' -%}
    cast(({{ whole }} - {{ whole }} % {{ parts }}) / {{ parts }} as {{ wide_integer() }})
{%- endmacro %}

{% macro wide_sum(amount) -%}
    sum(cast({{ amount }} as {{ wide_integer() }}))
{%- endmacro %}

{% macro ratio(dividend, divisor) -%}
    try_divide({{ dividend }}, {{ divisor }})
{%- endmacro %}

{% macro latest_of(value, moment) -%}
    max_by({{ value }}, {{ moment }}) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro epoch_us(moment) -%}
    unix_micros(cast({{ moment }} as timestamp_ltz))
{%- endmacro %}

{% macro plus_minutes(moment, minutes) -%}
    {{ moment }} + interval '{{ minutes }}' minute
{%- endmacro %}

{% macro minus_minutes(moment, minutes) -%}
    {{ moment }} - interval '{{ minutes }}' minute
{%- endmacro %}

{% macro minus_days(moment, days) -%}
    {{ moment }} - interval '{{ days * 24 }}' hour
{%- endmacro %}

{% macro days_between(first, last) -%}
    datediff({{ last }}, {{ first }})
{%- endmacro %}

{% macro month_of(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}

{% macro last_day_of(month) -%}
    last_day({{ month }})
{%- endmacro %}

{% macro local_date(moment) -%}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ moment }} as date)
    {%- else -%}
        cast(convert_timezone('UTC', '{{ var("timezone") }}', {{ moment }}) as date)
    {%- endif -%}
{%- endmacro %}

{% macro utc_midnight(day) -%}
    {#- Of a midnight that there is twice, Java takes the first; of one that there isn't, the moment when the clocks went on. -#}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ day }} as timestamp_ntz)
    {%- else -%}
        convert_timezone('{{ var("timezone") }}', 'UTC', cast({{ day }} as timestamp_ntz))
    {%- endif -%}
{%- endmacro %}

{% macro window_days() -%}
    explode(sequence({{ from_date() }}, {{ to_date() }}, interval 1 day))
{%- endmacro %}

{% macro window_dates() -%}
    {{ window_days() }}
{%- endmacro %}

{% macro window_months() -%}
    explode(sequence({{ month_of(from_date()) }}, {{ month_of(to_date()) }}, interval 1 month))
{%- endmacro %}

{% macro matches(text, pattern) -%}
    {{ text }} rlike '{{ pattern }}'
{%- endmacro %}

{% macro matches_whole(value, pattern) -%}
    {#-
        As RE2 has it: case as Unicode knows it, and a line ends with \n alone. Java takes the i without a dot for an i, and of the
        long s it doesn't know that it is an s in \w: the one becomes a letter that nobody uses, and the other an s.
    -#}
    {%- set letter = '\ue131' -%}
    translate({{ value }}, 'ıſ', '{{ letter }}s') rlike {{ text('(?iud)\\A(?:' ~ pattern | replace('ı', letter) ~ ')\\z') }}
{%- endmacro %}

{% macro natural_order(name) -%}
    {%- set plain = "regexp_replace(replace(" ~ name ~ ", '/', chr(1)), '(([.][A-Za-z][A-Za-z0-9]*)+)$', chr(2) || '$1')" -%}
    regexp_replace(regexp_replace({{ plain }}, '([0-9]+)', '000000000000$1'), '0*([0-9]{12,})', '$1')
{%- endmacro %}

{% macro without_www(host) -%}
    regexp_replace({{ host }}, '^www\.', '')
{%- endmacro %}

{% macro decoded_again(text) -%}
    {#- Java takes + for a blank, refuses a lone %, and puts U+FFFD where there is no text. -#}
    {%- set decoded -%}
        try_url_decode(regexp_replace(replace({{ text }}, '+', '%2B'), '%(?![0-9a-fA-F]{2})', '%25'))
    {%- endset -%}
    case
        when not {{ matches(text, '%[0-9a-fA-F]{2}') }} then null
        when regexp_count({{ decoded }}, '�') > regexp_count({{ text }}, '�|%[eE][fF]%[bB][fF]%[bB][dD]') then null
        else {{ lower_case(decoded) }}
    end
{%- endmacro %}

{% macro campaign_key(text) -%}
    coalesce(nullif({{ trimmed(decoded_again(text)) }}, ''), {{ lower_case(text) }})
{%- endmacro %}

{% macro uuid_of(text) -%}
    regexp_replace(md5({{ text }}), '^(.{8})(.{4})(.{4})(.{4})(.{12})$', '$1-$2-$3-$4-$5')
{%- endmacro %}

{% macro hash_60_bits(text) -%}
    cast(conv(substr(md5({{ text }}), 1, 15), 16, 10) as bigint)
{%- endmacro %}

{% macro ordered_sum(expression) -%}
    case
        when count({{ expression }}) > 0
            then aggregate(array_sort(collect_list({{ expression }})), 0D, (total, item) -> total + item)
    end
{%- endmacro %}

{% macro columns_in(columns) -%}
    {{ columns | join(', ') }}
{%- endmacro %}

{% macro half_even(dividend, divisor) -%}
    {#- Each is said once: what is said of it again is said of a list of one, as Spark has no other name for it in an expression. -#}
    get(transform(transform(
        array(named_struct(
            'n', cast({{ dividend }} as {{ wide_integer() }}), 'd', cast({{ divisor }} as {{ wide_integer() }})
        )),
        x -> named_struct('n', x.n, 'd', x.d, 'q', cast((x.n - x.n % x.d) / x.d as {{ wide_integer() }}))),
        x -> cast(x.q + case
            when 2 * abs(x.n - x.q * x.d) > x.d or (2 * abs(x.n - x.q * x.d) = x.d and x.q % 2 != 0)
                then {{ sign_of('x.n') }}
            else 0
        end as {{ wide_integer() }})
    ), 0)
{%- endmacro %}

{% macro half_even_of_any(dividend, divisor) -%}
    {{ half_even(dividend, divisor) }}
{%- endmacro %}

{% macro summed_as(name) -%}
    {#- Where its CTE is read twice, Spark loses sight of a sum that is not selected. -#}
    {{ name }}
{%- endmacro %}

{% macro at_most(value, most) -%}
    get(transform(array({{ value }}), x -> case when x > {{ most }} then {{ most }} else x end), 0)
{%- endmacro %}
