{#- Money is integers: HUGEINT for products, and no double ever decides. -#}

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

{% macro to_cents(minor, rates) -%}
    {#- An amount in minor units to cents of the reporting currency, by a row of int_fx__daily_rates. -#}
    cast({{ half_even(minor ~ ' * ' ~ rates ~ '.cents_numerator', rates ~ '.minor_denominator') }} as bigint)
{%- endmacro %}

{% macro billionths(decimal) -%}
    {#- A decimal of the configuration as an exact integer. -#}
    cast(cast('{{ decimal }}' as decimal(18, 9)) * 1000000000 as {{ wide_integer() }})
{%- endmacro %}

{% macro as_money(cents) -%}
    cast(({{ cents }}) * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
{%- endmacro %}

{% macro as_conversions(millionths) -%}
    cast({{ millionths }} * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
{%- endmacro %}

{#-
    Largest remainder, for queries at the grain of order and touch, with a weight and its total of the order (64 bits)
    for each model: whole units that a touch gets at once, and one of those left over for each of the largest remainders.
-#}

{% macro amounts() -%}
    {#- What of an order is split over its touches. -#}
    {{ return(['revenue_cents', 'refund_cents', 'cogs_cents', 'conversion_millionths']) }}
{%- endmacro %}

{% macro splits() -%}
    {#- Pairs of an amount and a model that may give to more than one touch. -#}
    {%- set found = [] -%}
    {%- for amount in amounts() -%}
        {%- for model in models_of_many_touches() -%}
            {%- do found.append((amount, model)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro whole_units(amount, weight, total) -%}
    case
        when {{ weight }} = {{ total }} then abs({{ amount }})
        when {{ weight }} = 0 then 0
        -- The products of everyday orders fit 64 bits, where division is many times faster.
        when abs({{ amount }}) <= 9000000 and {{ weight }} <= 1000000001000
            then {{ integer_divide('abs(' ~ amount ~ ') * ' ~ weight, total) }}
        else cast(
            {{ integer_divide('cast(abs(' ~ amount ~ ') as ' ~ wide_integer() ~ ') * ' ~ weight, total) }} as bigint
        )
    end
{%- endmacro %}

{% macro columns(expressions) -%}
    {#- From pairs of an expression and its name. -#}
    {%- for expression, name in expressions %}
    {{ expression }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro weights_of_models(weights) -%}
    {%- set found = [] -%}
    {%- for model in model_names() -%}
        {%- do found.append((field(weights, model), model ~ '_weight')) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro total_weights() -%}
    {%- set found = [] -%}
    {%- for model in models_of_many_touches() -%}
        {%- do found.append(('cast(sum(' ~ model ~ '_weight) as bigint)', model ~ '_total')) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro whole_units_of_models(weights, totals) -%}
    {%- set found = [] -%}
    {%- for amount, model in splits() -%}
        {%- set units = whole_units(
            weights ~ '.' ~ amount, weights ~ '.' ~ model ~ '_weight', totals ~ '.' ~ model ~ '_total'
        ) -%}
        {%- do found.append((units, model ~ '_' ~ amount)) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro remainder_ranks() -%}
    {#- Larger for a larger remainder, and among equal ones for the earlier touch; unique among the touches of an order. -#}
    {%- set found = [] -%}
    {%- for amount, model in splits() -%}
        {%- set rank -%}
            (
                cast(abs({{ amount }}) as {{ wide_integer() }}) * {{ model }}_weight
                - cast({{ model }}_{{ amount }} as {{ wide_integer() }}) * {{ model }}_total
            ) * 1000000000 - touch_number
        {%- endset -%}
        {%- do found.append((rank, model ~ '_' ~ amount ~ '_rank')) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro lowest_winning_ranks() -%}
    {#- Of all touches of an order: with as many winners as there are units left over; NULL where there are none. -#}
    {%- set found = [] -%}
    {%- for amount, model in splits() -%}
        {%- set name = model ~ '_' ~ amount -%}
        {%- set lowest = nth_largest(name ~ '_rank', 'any_value(abs(' ~ amount ~ ')) - sum(' ~ name ~ ')') -%}
        {%- do found.append((lowest, name ~ '_rank')) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro shares() -%}
    {#- What each model gives the touch of each amount, of the CTEs `ranked` and `winners`. -#}
    {%- set found = [] -%}
    {%- for amount in amounts() -%}
        {%- set values = {} -%}
        {%- for model in model_names() -%}
            {%- if model in models_of_one_touch() -%}
                {%- set share = 'case when ranked.' ~ model ~ '_weight > 0 then ranked.' ~ amount ~ ' else 0 end' -%}
            {%- else -%}
                {%- set name = model ~ '_' ~ amount -%}
                {%- set share -%}
                    sign(ranked.{{ amount }}) * (
                        ranked.{{ name }}
                        + case when ranked.{{ name }}_rank >= winners.{{ name }}_rank then 1 else 0 end
                    )
                {%- endset -%}
            {%- endif -%}
            {%- do values.update({model: 'cast(' ~ share ~ ' as bigint)'}) -%}
        {%- endfor -%}
        {%- do found.append((by_model(values), amount)) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro rounded_money(cents) -%}
    {#- Of an estimate, which is a double of cents. -#}
    {{ as_money('cast(round(' ~ cents ~ ') as bigint)') }}
{%- endmacro %}
