-- Python models know no variables of the run: they read them here.
select
    {{ var('k_anonymity') | int }} as k_anonymity,
    {{ month_of(from_date()) }} as from_month,
    {{ month_of(to_date()) }} as to_month
