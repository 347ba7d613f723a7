{#- Money is integers: HUGEINT for products, never a double. -#}

{% macro half_even(dividend, divisor) -%}
    {#- dividend / divisor, rounded half to even; the divisor is positive, the dividend may be negative. -#}
    {%- set half_up = integer_divide('2 * abs(' ~ dividend ~ ') + ' ~ divisor, '2 * ' ~ divisor) -%}
    (
        sign({{ dividend }}) * (
            {{ half_up }}
            - case
                when {{ half_up }} % 2 = 1 and {{ half_up }} * 2 * {{ divisor }} = 2 * abs({{ dividend }}) + {{ divisor }} then 1
                else 0
            end
        )
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
    Largest remainder, in two steps: whole units that a touch gets at once, then one of those left over for each of the
    largest remainders, ties to the earlier touch. Both stand in queries at the grain of order, model and touch with
    `weight`, `total_weight` (64 bits) and `split_number`, which numbers the pairs of order and model.
-#}

{% macro whole_units(amount) -%}
    case
        when weight = total_weight then abs({{ amount }})
        -- The products of everyday orders fit 64 bits, where division is many times faster.
        when abs({{ amount }}) <= 9000000 and total_weight <= 1000000001000
            then {{ integer_divide('abs(' ~ amount ~ ') * weight', 'total_weight') }}
        else cast(
            {{ integer_divide('cast(abs(' ~ amount ~ ') as ' ~ wide_integer() ~ ') * weight', 'total_weight') }} as bigint
        )
    end
{%- endmacro %}

{% macro with_leftover(amount, units) -%}
    cast(
        sign({{ amount }}) * (
            {{ units }} + case
                when
                    row_number() over (
                        partition by split_number
                        order by
                            cast(abs({{ amount }}) as {{ wide_integer() }}) * weight
                            - cast({{ units }} as {{ wide_integer() }}) * total_weight desc nulls last,
                            touch_number asc nulls last
                    ) <= abs({{ amount }}) - sum({{ units }}) over (partition by split_number)
                    then 1
                else 0
            end
        ) as bigint
    )
{%- endmacro %}
