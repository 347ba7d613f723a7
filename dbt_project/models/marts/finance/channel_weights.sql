with

learned as (

    select
        channel_weights.*,
        coalesce(channel_buyers.buyers, 0) as buyers,
        -- With a k of 1 nothing is hidden, a channel that nobody bought through neither.
        {{ var('k_anonymity') }} > 1 and coalesce(channel_buyers.buyers, 0) < {{ var('k_anonymity') }} as is_small
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

)

select
    month,
    cast('{{ var("region") }}' as varchar) as region,
    channel,
    attribution_model,
    case when not is_hidden then weight end as weight,
    case when not is_hidden then share end as share,
    is_pooled
from hidden
