with

learned as (

    select
        *,
        -- With a k of 1 nothing is hidden, a channel that nobody bought through neither.
        {{ var('k_anonymity') }} > 1 and buyers < {{ var('k_anonymity') }} as is_small
    from {{ ref('int_attribution__channel_weights') }}
    where {{ in_window_months('month') }}

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
