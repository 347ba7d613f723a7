with

published_credits as (

    select * from {{ ref('int_privacy__published_credits') }}

)

select
    published_credits.ordered_on,
    published_credits.touched_on,
    published_credits.channel,
    published_credits.campaign,
    published_credits.segment,
    published_credits.month_level,
    published_credits.day_level,
    published_credits.touch_level,
    published_credits.segment_level,
    {{ unnest_models('published_credits', amounts()) | indent(4) }}
from published_credits
