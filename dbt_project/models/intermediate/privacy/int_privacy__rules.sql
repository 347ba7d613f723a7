-- Python models know no variables of the run, so they read them here.
select
    {{ [var('k_anonymity') | int, 1] | max }} as k_anonymity,
    {{ month_of(from_date()) }} as first_month,
    {{ month_of(to_date()) }} as last_month,
    {{ first_touch_day() }} as first_touch_day,
    {{ last_touch_day() }} as last_touch_day,
    {{ 'true' if var('steps_are_held') else 'false' }} as is_held
