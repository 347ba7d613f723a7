{#-
    Largest remainder as its definition says, a row for each model: slower than the ways of largest_remainder.sql, and for what
    they have no room for.
-#}

{% macro split_by_definition(touches) -%}
    {#- Any orders and weights: a row for each model, and integers that hold every product. -#}
    with

    models as (

        select
            order_number,
            touch_number,
            {{ amounts() | join(',\n            ') }},
            {{ unnest_models(touches, ['weights']) | indent(12) }}
        from {{ touches }}

    ),

    totals as (

        select
            *,
            sum(weights) over (partition by order_number, attribution_model) as total
        from models

    ),

    floors as (

        select
            *
            {%- for amount in amounts() %},
            {{ wide_divide('cast(abs(' ~ amount ~ ') as ' ~ wide_integer() ~ ') * weights', 'total') }} as {{ amount }}_units
            {%- endfor %}
        from totals

    ),

    ranked as (

        select
            *
            {%- for amount in amounts() %},
            row_number() over (
                partition by order_number, attribution_model
                order by
                    cast(abs({{ amount }}) as {{ wide_integer() }}) * weights - {{ amount }}_units * total desc nulls last,
                    touch_number asc nulls last
            ) <= abs({{ amount }}) - sum({{ amount }}_units) over (partition by order_number, attribution_model)
                as {{ amount }}_wins
            {%- endfor %}
        from floors

    ),

    split as (

        select
            order_number as of_order,
            touch_number as of_touch
            {%- for amount, model in splits() %},
            max(case when attribution_model = '{{ model }}' then
                {{ sign_of(amount) }} * ({{ amount }}_units + case when {{ amount }}_wins then 1 else 0 end)
            end) as {{ model }}_{{ amount }}_share
            {%- endfor %}
        from ranked
        group by order_number, touch_number

    )

    select
        {{ columns_of_touches(touches) | indent(8) }}
        {%- for amount, model in splits() %},
        split.{{ model }}_{{ amount }}_share
        {%- endfor %}
    from {{ touches }}
    inner join split on {{ touches }}.order_number = split.of_order and {{ touches }}.touch_number = split.of_touch
{%- endmacro %}
