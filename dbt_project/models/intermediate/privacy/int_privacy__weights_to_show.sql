{%- set shown = as_last_built('int_privacy__channel_weights') -%}
{%- set k = [var('k_anonymity') | int, 1] | max -%}
with

learned as (

    select
        channel_weights.*,
        coalesce(channel_buyers.buyers, 0) as buyers,
        -- With a k of 1 nothing is hidden, a channel that nobody bought through neither.
        {{ k }} > 1 and coalesce(channel_buyers.buyers, 0) < {{ k }} as is_small
    from {{ ref('int_attribution__channel_weights') }} as channel_weights
    left join {{ ref('int_attribution__channel_buyers') }} as channel_buyers
        on channel_weights.month = channel_buyers.month and channel_weights.channel = channel_buyers.channel
    where {{ in_window_months('channel_weights.month') }}

),

-- Shares add up to 1, so what few buyers taught would show as the rest: the next smallest channel hides it.
hidden as (

    select
        *,
        is_small or (
            max(case when is_small then 1 else 0 end) over (partition by month, attribution_model) = 1
            and row_number() over (
                partition by month, attribution_model, is_small
                order by buyers asc nulls last, channel asc nulls last
            ) = 1
        ) as is_hidden
    from learned

),

fresh as (

    select
        month,
        channel,
        attribution_model,
        case when not is_hidden then weight end as weight,
        case when not is_hidden then share end as share,
        is_pooled,
        buyers,
        {{ k }} as k_anonymity
    from hidden

){% if shown and k > 1 -%},

before as (

    select
        month,
        channel,
        attribution_model,
        weight,
        share,
        is_pooled,
        buyers,
        k_anonymity
    from {{ shown }}
    where {{ in_window_months('month') }} and k_anonymity = {{ k }}

),

-- Weights step, too: they stay what they were until k buyers more, or fewer, have come through some channel.
held as (

    select fresh.month
    from fresh
    left join before
        on
            fresh.month = before.month
            and fresh.channel = before.channel
            and fresh.attribution_model = before.attribution_model
    group by fresh.month
    having
        count(before.month) > 0
        and ({{ var('steps_are_held') | lower }} or max(abs(fresh.buyers - coalesce(before.buyers, 0))) < {{ k }})

),

weights as (

    select
        before.month,
        before.channel,
        before.attribution_model,
        before.weight,
        before.share,
        before.is_pooled,
        -- Where steps are held, it takes k buyers more than there are now from here on.
        case
            when {{ var('steps_are_held') | lower }} then coalesce(fresh.buyers, before.buyers)
            else before.buyers
        end as buyers,
        before.k_anonymity
    from before
    left join fresh
        on
            before.month = fresh.month
            and before.channel = fresh.channel
            and before.attribution_model = fresh.attribution_model
    where before.month in (select held.month from held)
    union all
    select * from fresh
    where month not in (select held.month from held)

)

select * from weights
{%- else %}

select * from fresh
{%- endif %}
