with

credits as (

    select * from {{ ref('int_attribution__touch_credits') }}
    where channel = '(unattributed)' and {{ in_window_months('ordered_on') }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where is_priced and {{ in_window_months('ordered_on') }}

),

settled as (

    select order_id from {{ ref('int_orders__settled') }}

),

-- Why nobody is credited.
fates as (

    select
        {{ month_of('conversions.ordered_on') }} as month,
        conversions.order_id,
        conversions.buyer_id,
        case
            when not conversions.is_in_events then 'ledger_only'
            when conversions.person_id is null and settled.order_id is null then 'no_consent'
            else 'no_touch'
        end as fate,
        conversions.revenue_cents,
        conversions.refund_cents,
        cast(1 as bigint) as order_count
    from conversions
    inner join credits on conversions.order_id = credits.order_id
    left join settled on conversions.order_id = settled.order_id

)

select * from fates
