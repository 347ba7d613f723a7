with

cells as (

    {{ small_cells(month_of('ordered_on'), in_window_months('ordered_on')) | indent(4) }}

)

select
    period as month,
    channel,
    campaign,
    published_channel,
    published_campaign
from cells
