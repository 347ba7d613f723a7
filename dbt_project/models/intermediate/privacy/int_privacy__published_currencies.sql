select
    month,
    order_id,
    buyer_id,
    currency,
    revenue_cents,
    refund_cents,
    order_count,
    revenue_minor,
    refund_minor,
    level,
    is_current,
    arrived_step,
    month_step,
    k_anonymity
from {{ ref('int_privacy__currency_steps') }}
where order_id is not null
