{% test holds_k_buyers(model, period, order_period) %}
-- Fails if a published cell of the window rests on fewer than k buyers in some attribution model,
-- unless it is all there is of its period.
{%- set condition = in_touch_window('touched_on') if order_period == 'credits.touched_on'
    else in_window_months('ordered_on') %}
with

published as (

    select
        cells.{{ period }},
        cells.published_channel,
        cells.published_campaign,
        credits.attribution_model,
        count(distinct credits.buyer_id) as buyer_count
    from {{ ref('int_attribution__credits') }} as credits
    inner join {{ model }} as cells
        on
            {{ order_period }} = cells.{{ period }}
            and credits.channel = cells.channel
            and credits.campaign = cells.campaign
    where {{ condition }}
    group by all

)

select *
from published
qualify
    buyer_count < {{ var('k_anonymity') }}
    and count(*) over (partition by {{ period }}, attribution_model) > 1
{% endtest %}
