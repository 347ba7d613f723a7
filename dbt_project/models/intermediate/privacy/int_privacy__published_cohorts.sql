select
    month,
    order_id,
    touch_number,
    buyer_id,
    cohort,
    channel,
    revenue_cents,
    refund_cents,
    conversion_millionths,
    cogs_cents,
    level,
    is_current,
    arrived_step,
    month_step,
    k_anonymity
from {{ ref('int_privacy__cohort_steps') }}
where order_id is not null
