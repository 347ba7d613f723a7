{#- Money is integers: HUGEINT for products, and no double ever decides. -#}

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

{% macro to_minor(cents, rates) -%}
    {#- Cents of the reporting currency, not negative, to minor units, by a row of int_fx__daily_rates. -#}
    {{ half_even_of_any('(' ~ cents ~ ') * ' ~ rates ~ '.minor_denominator', rates ~ '.cents_numerator') }}
{%- endmacro %}

{% macro sum_of_minor(amount) -%}
    {#- An aggregate of amounts in minor units that stays in 64 bits: of a weak currency much is much. -#}
    {%- set most = '9000000000000000000' -%}
    cast({{ at_most(wide_sum(amount), most) }} as bigint)
{%- endmacro %}

{% macro as_units(minor, minor_unit) -%}
    {#- An amount in minor units as units of its currency, which has `minor_unit` decimals, four at most. -#}
    cast(
        cast({{ minor }} as decimal(24, 0)) * cast(
            case {{ minor_unit }} when 0 then 1 when 1 then 0.1 when 2 then 0.01 when 3 then 0.001 else 0.0001 end
            as decimal(5, 4)
        ) as decimal(28, 4)
    )
{%- endmacro %}

{% macro rate_of(rates, minor_unit) -%}
    {#- Units of the reporting currency for one of the other, which has `minor_unit` decimals; the ECB's rates, divided. -#}
    cast({{ wide_divide(rates ~ '.cents_numerator', 100) }} as double) / cast({{ wide_divide(
        rates ~ '.minor_denominator', 'cast(round(pow(10, ' ~ minor_unit ~ ')) as ' ~ wide_integer() ~ ')'
    ) }} as double)
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
