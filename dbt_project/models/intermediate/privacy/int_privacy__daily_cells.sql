with

cells as (

    {{ small_cells('ordered_on', in_window('ordered_on')) | indent(4) }}

)

select
    period as date,
    channel,
    campaign,
    published_channel,
    published_campaign
from cells
