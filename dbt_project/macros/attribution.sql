{% macro attribution_models() -%}
    {#- As rows. -#}
    {%- for model in model_names() %}
    select '{{ model }}' as attribution_model
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{% macro model_names() -%}
    {#- The rule-based models and those that learn from the data. -#}
    {{ return([
        'first_touch', 'last_touch', 'last_non_direct', 'linear', 'position_based', 'time_decay',
        'markov', 'shapley', 'counterfactual'
    ]) }}
{%- endmacro %}

{% macro models_of_one_touch() -%}
    {#- They give a path's whole to one of its touches, so nothing of theirs is rounded. -#}
    {{ return(['first_touch', 'last_touch', 'last_non_direct']) }}
{%- endmacro %}

{% macro by_model(values) -%}
    {#- One value with a field for each attribution model. -#}
    {%- set fields = [] -%}
    {%- for model in model_names() -%}
        {%- do fields.append(named_field(model, values[model])) -%}
    {%- endfor -%}
    {{ struct_of(fields) }}
{%- endmacro %}

{% macro equal_weights() -%}
    {{ by_model(dict.fromkeys(model_names(), 'cast(1 as bigint)')) }}
{%- endmacro %}

{% macro position_weight() -%}
    {#- Of two touches each has half; of more, first : middle (shared evenly) : last, times (n - 2) to stay whole. -#}
    {%- set weights = var('position_weights') -%}
    {%- set first, middle, last = weights[0], weights[1], weights[2] -%}
    case
        when touch_count = 2 then 1
        when touch_number = 1 then {{ billionths(first) }} * (touch_count - 2)
        when touch_number = touch_count then {{ billionths(last) }} * (touch_count - 2)
        else {{ billionths(middle) }}
    end
{%- endmacro %}

{% macro decay(us_before_last_touch) -%}
    {#-
        2^(-age / half-life) in 10^-15. Ages count from the last touch instead of the order, which leaves the shares as
        they are and never lets all of them vanish; an integer before it is summed, as a sum of doubles depends on its order.
    -#}
    {%- set half_life_us = (var('time_decay_half_life_days') | float) * 86400000000 -%}
    cast(round(pow(2, -({{ us_before_last_touch }}) / {{ double(half_life_us) }}) * 1000000000000000) as {{ wide_integer() }})
{%- endmacro %}

{% macro touch_order(touchpoints) -%}
    {{ touchpoints }}.touched_at asc nulls last,
    {{ touchpoints }}.tie_number asc nulls last
{%- endmacro %}

{% macro channel_list(touches) -%}
    {#-
        One row: a channel's number is its place in the list, as a path of numbers is sorted and compared many times
        faster than one of names. There are few, so looking them up costs less than a join, which may build on touches.
    -#}
    select
        {{ ordered_list('channel', 'channel asc nulls last') }} as channel_names,
        {{ power_of_two_above('count(*)') }} as channel_slots
    from (
        {%- for relation in touches %}
        select distinct channel from {{ relation }}
        {%- if not loop.last %}
        union
        {%- endif %}
        {%- endfor %}
    ) as known
{%- endmacro %}

{% macro moment(touched_at) -%}
    {#- Microseconds from about where learning begins. -#}
    ({{ epoch_us(touched_at) }} - {{ epoch_us('cast(' ~ learning_begins() ~ ' as timestamp)') }})
{%- endmacro %}

{% macro tie_slots(most_ties, channel_slots) -%}
    {#-
        Room for the numbers of touches of one moment: with channels they get 14 bits at most, so 512 of a moment are told
        apart beside 20 channels, and what comes after them goes by channel.
    -#}
    least({{ power_of_two_above(most_ties) }}, greatest({{ integer_divide(16384, channel_slots) }}, 1))
{%- endmacro %}

{% macro tied(moment, tie_number=0) -%}
    {#- An integer that sorts a person's touches, since to sort lists of integers costs far less than a window. -#}
    ({{ moment }} * channel_lists.tie_slots + least({{ tie_number }}, channel_lists.tie_slots - 1))
{%- endmacro %}

{% macro learning_begins() -%}
    ({{ month_of(from_date()) }} - {{ 92 + var('longest_lookback_days') | int }})
{%- endmacro %}

{% macro step(order, channel_number) -%}
    {#-
        A touch as an integer that sorts by its order and holds the channel. 64 bits hold ten years and 16,000 channels;
        beyond, the engine raises an error.
    -#}
    {{ order }} * channel_lists.channel_slots + {{ channel_number }}
{%- endmacro %}

{% macro path_of(steps) -%}
    {#- The channels' numbers of a sorted list of steps. -#}
    {{ remainders(steps, 'channel_lists.channel_slots') }}
{%- endmacro %}

{% macro or_linear(weight) -%}
    {#- A model that gives nothing to any touch of a path gives all of them the same. -#}
    case when orders.{{ weight }} = 0 then 1 else learned.{{ weight }} end
{%- endmacro %}
