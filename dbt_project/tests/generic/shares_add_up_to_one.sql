{% test shares_add_up_to_one(model, by) %}
-- Fails if the shares of a group do not add up to 1, in integers and in doubles, where any share is known.
select {{ by | join(', ') }}
from {{ model }}
group by {{ by | join(', ') }}
having
    count(share) not in (0, count(*))
    or abs(sum(share) - 1) > 0.000000001
    or (count(share) > 0 and abs(sum(weight_e12) - 1000000000000) > count(*))
    or min(weight_e12) < 0
{% endtest %}
