{% test unique_proportion(model, columns, at_least, period=none, from_rows=1) %}
-- Fails if too few rows of the window are the first of their kind; of fewer than `from_rows` none can tell.
with

kinds as (

    select count(*) as copies
    from {{ model }}
    where {{ in_window(period) if period else 'true' }}
    group by {{ columns | join(', ') }}

)

select
    count(*) as kinds,
    sum(copies) as rows_in_window
from kinds
having sum(copies) >= {{ from_rows }} and count(*) < {{ at_least }} * sum(copies)
{% endtest %}
