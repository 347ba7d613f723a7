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

{% macro half_even_of_any(dividend, divisor) -%}
    {#- The same of any quotient, for what is not negative. -#}
    {%- set whole -%} {{ integer_divide(dividend, divisor) }} {%- endset -%}
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

{% macro largest_worth_cents() -%}
    {#- Of a single amount: what ingestion/money.py bounds money by, so that all that is computed of it fits. -#}
    100000000000000
{%- endmacro %}

{% macro to_cents(minor, rates, beyond='null') -%}
    {#-
        An amount in minor units to cents of the reporting currency, by a row of int_fx__daily_rates. What is worth more than
        can be computed with is `beyond`: by default it has no worth, as if it had no rate.
    -#}
    case
        when abs({{ minor }}) * {{ rates }}.cents_numerator > {{ largest_worth_cents() }} * {{ rates }}.minor_denominator
            then {{ beyond }}
        else cast({{ half_even(minor ~ ' * ' ~ rates ~ '.cents_numerator', rates ~ '.minor_denominator') }} as bigint)
    end
{%- endmacro %}

{% macro billionths(decimal) -%}
    {#- A decimal of the configuration as an exact integer. -#}
    cast(cast('{{ decimal }}' as decimal(38, 9)) * 1000000000 as {{ wide_integer() }})
{%- endmacro %}

{% macro as_money(cents) -%}
    cast(({{ cents }}) * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
{%- endmacro %}

{% macro as_conversions(millionths) -%}
    cast({{ millionths }} * cast(0.000001 as decimal(7, 6)) as decimal(18, 6))
{%- endmacro %}

{% macro rounded_money(cents) -%}
    {#- Of an estimate, which is a double of cents. -#}
    {{ as_money('cast(round(' ~ cents ~ ') as bigint)') }}
{%- endmacro %}
