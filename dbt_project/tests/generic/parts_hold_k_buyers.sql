{% test parts_hold_k_buyers(model, columns) %}
-- Fails if a named part of one of the window's months rests on fewer than k buyers.
select
    {{ columns | join(', ') }},
    count(distinct buyer_id) as buyer_count
from {{ model }}
where level > 0 and {{ in_window_months('month') }}
group by all
having count(distinct buyer_id) < {{ var('k_anonymity') }}
{% endtest %}
