with

paths as (

    select
        *,
        {{ decay('us_before_last_touch') }} as decay
    from {{ ref('int_attribution__paths') }}

),

touches as (

    select
        *,
        case
            when touch_count = 1 then 1
            else {{ half_even('decay * 1000000000000', 'sum(decay) over (partition by order_number)') | indent(12) }}
        end as decay_weight
    from paths

),

models as (

    {{ attribution_models() }}

),

weighted as (

    select
        touches.order_number * 10 + models.model_number as split_number,
        touches.order_id,
        touches.ordered_on,
        touches.buyer_id,
        touches.revenue_cents,
        touches.refund_cents,
        touches.cogs_cents,
        touches.touch_id,
        touches.touched_on,
        touches.touch_number,
        touches.channel,
        touches.campaign,
        models.attribution_model,
        cast(
            case models.attribution_model
                when 'first_touch' then cast(touches.touch_number = 1 as integer)
                when 'last_touch' then cast(touches.touch_number = touches.touch_count as integer)
                when 'last_non_direct'
                    then cast(
                        touches.touch_number = coalesce(touches.last_non_direct_number, touches.touch_count) as integer
                    )
                when 'linear' then 1
                when 'position_based' then {{ position_weight() | indent(16) }}
                when 'time_decay' then touches.decay_weight
            end as bigint
        ) as weight
    from touches
    cross join models

)

select * from weighted
where weight > 0
