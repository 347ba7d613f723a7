select
    month,
    order_id,
    touch_number,
    buyer_id,
    ordered_on,
    touched_on,
    channel,
    campaign,
    segment,
    revenue_cents,
    refund_cents,
    cogs_cents,
    conversion_millionths,
    month_level,
    day_level,
    touch_level,
    segment_level,
    is_current,
    arrived_step,
    month_step,
    k_anonymity
from {{ ref('int_privacy__steps') }}
where order_id is not null
