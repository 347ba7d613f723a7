select
    month,
    cast('{{ var("region") }}' as {{ text_type() }}) as region,
    channel,
    attribution_model,
    weight,
    share,
    is_pooled
from {{ ref('int_privacy__channel_weights') }}
where {{ in_window_months('month') }}
