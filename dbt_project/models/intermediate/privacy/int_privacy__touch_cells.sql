with

cells as (

    {{ small_cells('touched_on', in_touch_window('touched_on')) | indent(4) }}

)

select
    period as date,
    channel,
    campaign,
    published_channel,
    published_campaign
from cells
