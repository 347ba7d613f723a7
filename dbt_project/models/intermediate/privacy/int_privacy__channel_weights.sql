select
    month,
    channel,
    attribution_model,
    weight,
    share,
    is_pooled,
    buyers,
    k_anonymity
from {{ ref('int_privacy__weights_to_show') }}
