with

rates as (

    select
        *,
        coalesce(lead(rate_on) over (partition by currency order by rate_on asc nulls last), date '9999-12-31')
            as next_rate_on
    from {{ ref('stg_fx__rates') }}

),

days as (

    select {{ window_dates() }} as priced_on

),

currencies as (

    select
        currency,
        cast(round(pow(10, minor_unit)) as {{ wide_integer() }}) as minor_per_unit
    from {{ ref('currencies') }}

),

-- The rate of the day, or the last one before it, which stands for a few days only; the euro's own for ever.
priced as (

    select
        days.priced_on,
        rates.currency,
        rates.rate_e8
    from days
    inner join rates
        on
            days.priced_on >= rates.rate_on
            and days.priced_on < rates.next_rate_on
            and (rates.currency = 'EUR' or days.priced_on <= rates.rate_on + {{ var('fx_max_age_days') }})
    where rates.next_rate_on > {{ from_date() }}

),

daily_rates as (

    select
        priced.priced_on,
        currencies.currency,
        cast(reporting.rate_e8 as {{ wide_integer() }}) * 100 as cents_numerator,
        priced.rate_e8 * currencies.minor_per_unit as minor_denominator
    from priced
    inner join currencies on priced.currency = currencies.currency
    inner join priced as reporting
        on priced.priced_on = reporting.priced_on and reporting.currency = '{{ var("reporting_currency") }}'
    where priced.currency != '{{ var("reporting_currency") }}'
    union all
    -- The reporting currency needs no rate.
    select
        days.priced_on,
        currencies.currency,
        100 as cents_numerator,
        currencies.minor_per_unit as minor_denominator
    from days
    inner join currencies on currencies.currency = '{{ var("reporting_currency") }}'

)

select * from daily_rates
where
    {{ is_open_day('priced_on') }}
    {%- if is_incremental() %}
    -- A final day keeps the rates it had, and gets those it lacked: the ledger may add an order that needs one.
    or (priced_on, currency) not in (
        select {{ columns_in(['kept.priced_on', 'kept.currency']) }} from {{ this }} as kept
    )
    {%- endif %}
