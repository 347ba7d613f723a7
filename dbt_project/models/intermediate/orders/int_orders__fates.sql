with

-- What channel (unattributed) shows, and no more: by its parts, nobody is to learn of what is hidden beside it.
shown as (

    select
        published.month,
        published.order_id,
        published.buyer_id,
        published.revenue_cents.linear as revenue_cents,
        published.refund_cents.linear as refund_cents
    from {{ ref('int_privacy__published_credits') }} as published
    where
        published.channel = '(unattributed)'
        and published.month_level > 0
        and {{ in_window_months('published.ordered_on') }}

),

conversions as (

    select * from {{ ref('int_orders__conversions') }}
    where {{ in_window_months('ordered_on') }}

),

settled as (

    select order_id from {{ ref('int_orders__settled') }}

),

-- Why nobody is credited. Of an order that was cancelled since it was shown, nobody can say.
fates as (

    select
        shown.month,
        shown.order_id,
        shown.buyer_id,
        case
            when conversions.order_id is null then null
            when not conversions.is_in_events then 'ledger_only'
            when conversions.person_id is null and settled.order_id is null then 'no_consent'
            else 'no_touch'
        end as fate,
        shown.revenue_cents,
        shown.refund_cents,
        cast(1 as bigint) as order_count
    from shown
    left join conversions on shown.order_id = conversions.order_id
    left join settled on shown.order_id = settled.order_id

)

select * from fates
