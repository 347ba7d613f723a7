with

credits as (

    select * from {{ ref('int_attribution__credits') }}
    where {{ in_window_months('ordered_on') }}

),

segments as (

    select * from {{ ref('int_orders__segments') }}

),

cells as (

    select * from {{ ref('int_privacy__monthly_cells') }}

)

select distinct
    cells.month,
    segments.segment,
    credits.channel,
    credits.campaign,
    segments.segment as published_segment,
    cells.published_channel
from credits
inner join segments on credits.order_id = segments.order_id
inner join cells
    on
        {{ month_of('credits.ordered_on') }} = cells.month
        and credits.channel = cells.channel
        and credits.campaign = cells.campaign
