select
    month,
    order_id,
    buyer_id,
    fate,
    revenue_cents,
    refund_cents,
    order_count,
    level,
    is_current,
    arrived_step,
    month_step,
    k_anonymity
from {{ ref('int_privacy__fate_steps') }}
where order_id is not null
