{#-
    Largest remainder, at the grain of order and touch: whole units that a touch gets at once, and one of those left over
    for each of the largest remainders, among equal ones for the earlier touch. An order's numbers decide how much of
    that is to be worked out, so there is a way for orders of one touch, of two, and of more.
-#}

{% macro amounts() -%}
    {#- What of an order is split over its touches. -#}
    {{ return(['revenue_cents', 'refund_cents', 'cogs_cents', 'conversion_millionths']) }}
{%- endmacro %}

{% macro order_columns(relation) -%}
    {#- What is known of an order where its amounts are split. -#}
    {%- for name in ['order_number', 'order_id', 'ordered_on', 'buyer_id'] + amounts() %}
    {{ relation }}.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro touch_columns(relation) -%}
    {%- for name in ['touch_count', 'touch_number', 'touch_id', 'touched_on', 'channel', 'campaign'] %}
    {{ relation }}.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro models_by_weight() -%}
    {#- Those that weigh touches: neither all for one nor the same for all. -#}
    {{ return(model_names() | reject('in', models_of_one_touch() + ['linear']) | list) }}
{%- endmacro %}

{% macro splits() -%}
    {#- Pairs of an amount and a model that weighs touches. -#}
    {%- set found = [] -%}
    {%- for amount in amounts() -%}
        {%- for model in models_by_weight() -%}
            {%- do found.append((amount, model)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
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
    {%- for model in models_by_weight() -%}
        {%- do found.append(('cast(sum(' ~ model ~ '_weight) as bigint)', model ~ '_total')) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro is_everyday() -%}
    {#-
        Whether 64 bits, where arithmetic is many times faster, hold whatever comes up. No weight exceeds 10^12 (position_weight
        has up to 10^9 for each touch), so amount x weight is at most 9 x 10^18, and a rank, a remainder below a total of
        1000 weights times 1000 touches, 10^18. Beyond 64 bits the engine raises an error.
    -#}
    touch_count <= 1000 and abs(revenue_cents) <= 9000000 and abs(refund_cents) <= 9000000
    and abs(cogs_cents) <= 9000000
{%- endmacro %}

{% macro whole_units() -%}
    {%- set found = [] -%}
    {%- for amount, model in splits() -%}
        {%- set units = integer_divide(product(amount, model), model ~ '_total') -%}
        {%- do found.append((units, model ~ '_' ~ amount)) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro product(amount, model) -%}
    abs({{ amount }}) * {{ model }}_weight
{%- endmacro %}

{% macro remainder(amount, model) -%}
    ({{ product(amount, model) }} - {{ model }}_{{ amount }} * {{ model }}_total)
{%- endmacro %}

{% macro larger_remainders() -%}
    {#- Whether the remainder is the larger of two, or the first of equal ones. They add up to the total, or both are 0. -#}
    {%- set found = {} -%}
    {%- for amount, model in splits() -%}
        {%- set twice = '2 * ' ~ remainder(amount, model) -%}
        {%- do found.update({
            (model, amount): twice ~ ' + case when touch_number = 1 then 1 else 0 end > ' ~ model ~ '_total'
        }) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro remainder_ranks() -%}
    {#- Larger for a larger remainder, and among equal ones for the earlier touch; unique among the touches of an order. -#}
    {%- set found = [] -%}
    {%- for amount, model in splits() -%}
        {%- set rank = remainder(amount, model) ~ ' * touch_count - touch_number' -%}
        {%- do found.append((rank, model ~ '_' ~ amount ~ '_rank')) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro lowest_winning_ranks() -%}
    {#- Of all touches of an order: with as many winners as there are units left over; NULL where there are none. -#}
    {%- set found = [] -%}
    {%- for amount, model in splits() -%}
        {%- set name = model ~ '_' ~ amount -%}
        {%- set left_over = 'any_value(abs(' ~ amount ~ ')) - sum(' ~ name ~ ')' -%}
        {%- do found.append((nth_largest(name ~ '_rank', left_over, 'touch_count'), name ~ '_lowest')) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro winning_ranks() -%}
    {%- set found = {} -%}
    {%- for amount, model in splits() -%}
        {%- set name = model ~ '_' ~ amount -%}
        {%- do found.update({(model, amount): name ~ '_rank >= ' ~ name ~ '_lowest'}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro shares_of(relation, gets_one_more=none) -%}
    {#-
        Touches with what each model that weighs them gives of each amount. `gets_one_more` maps (model, amount) to whether
        a touch gets a unit that is left over; without it, the touch is its order's only one.
    -#}
    {%- set found = [] -%}
    {%- for amount, model in splits() -%}
        {%- set share -%}
            {{ sign_of(amount) }} * (
                {{ model }}_{{ amount }} + case when {{ gets_one_more[model, amount] }} then 1 else 0 end
            )
        {%- endset -%}
        {%- do found.append((share if gets_one_more else amount, model ~ '_' ~ amount ~ '_share')) -%}
    {%- endfor -%}
    select
        {{ columns_of_touches() | indent(8) }},
        {{ columns(found) | indent(8) }}
    from {{ relation }}
{%- endmacro %}

{% macro columns_of_touches(relation=none) -%}
    {%- for name in [
        'order_id', 'ordered_on', 'buyer_id', 'touch_count', 'touch_number', 'touch_id', 'touched_on', 'channel', 'campaign',
        'weights'
    ] + amounts() %}
    {{ relation ~ '.' if relation }}{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{% macro shares_by_model() -%}
    {#- What each model gives a touch of each amount. -#}
    {%- set found = [] -%}
    {%- for amount in amounts() -%}
        {%- set values = {} -%}
        {%- for model in model_names() -%}
            {%- if model in models_of_one_touch() -%}
                {%- set share = 'case when ' ~ field('weights', model) ~ ' > 0 then ' ~ amount ~ ' else 0 end' -%}
            {%- elif model == 'linear' -%}
                {%- set share = even_share(amount) -%}
            {%- else -%}
                {%- set share = model ~ '_' ~ amount ~ '_share' -%}
            {%- endif -%}
            {%- do values.update({model: 'cast(' ~ share ~ ' as bigint)'}) -%}
        {%- endfor -%}
        {%- do found.append((by_model(values), amount)) -%}
    {%- endfor -%}
    {{ columns(found) }}
{%- endmacro %}

{% macro even_share(amount) -%}
    {#- Of equal weights all remainders are equal. -#}
    case
        when touch_count <= 1 then {{ amount }}
        else {{ sign_of(amount) }} * (
            {{ integer_divide('abs(' ~ amount ~ ')', 'touch_count') }}
            + case when touch_number <= abs({{ amount }}) % touch_count then 1 else 0 end
        )
    end
{%- endmacro %}

{% macro split_by_rank(touches) -%}
    {#- Orders of any number of touches. -#}
    with

    floors as (

        select
            *,
            {{ whole_units() | indent(12) }}
        from {{ touches }}

    ),

    ranked as (

        select
            *,
            {{ remainder_ranks() | indent(12) }}
        from floors

    ),

    winners as (

        select
            order_number as of_winners,
            {{ lowest_winning_ranks() | indent(12) }}
        from ranked
        group by order_number

    )

    {{ shares_of('ranked inner join winners on ranked.order_number = winners.of_winners', winning_ranks()) }}
{%- endmacro %}
