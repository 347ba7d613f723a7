{% macro fewest_buyers(buyers, cell) -%}
    {#- The distinct buyers of each cell, in the model that has the fewest there. -#}
    select
        period,
        {{ cell }},
        min(buyer_count) as buyer_count
    from (
        select
            period,
            {{ cell }},
            attribution_model,
            count(distinct buyer_id) as buyer_count
        from {{ buyers }}
        group by period, {{ cell }}, attribution_model
    ) as buyers_by_model
    group by period, {{ cell }}
{%- endmacro %}

{% macro small_cells(period, is_in_window) -%}
{#-
    One map of cells for all models of a period (a day or a month): where a cell (channel, campaign) is published.
    A cell stands only if each model that gives it credit does so for k distinct buyers. The others move whole into
    campaign (other) of their channel, from there into channel (other) where that is still too small; and where
    even that is, the smallest that stand join it, until it has k buyers or nothing is left.
-#}
{%- set k = var('k_anonymity') | int -%}
with

buyers as (

    select distinct
        {{ period }} as period,
        channel,
        campaign,
        attribution_model,
        buyer_id
    from {{ ref('int_attribution__credits') }}
    where {{ is_in_window }}

),

cells as (

    {{ fewest_buyers('buyers', 'channel, campaign') | indent(4) }}

),

-- 1. Small campaigns move into (other) of their channel.
campaigns as (

    select
        *,
        case when buyer_count < {{ k }} then '(other)' else campaign end as merged_campaign
    from cells

),

rest_buyers as (

    select buyers.*
    from buyers
    inner join campaigns using (period, channel, campaign)
    where campaigns.merged_campaign = '(other)'

),

rests as (

    {{ fewest_buyers('rest_buyers', 'channel') | indent(4) }}

),

-- 2. What is still small moves into channel (other).
places as (

    select
        campaigns.period,
        campaigns.channel,
        campaigns.campaign,
        case when rests.buyer_count < {{ k }} then '(other)' else campaigns.channel end as place_channel,
        campaigns.merged_campaign as place_campaign,
        coalesce(rests.buyer_count, campaigns.buyer_count) as place_buyer_count,
        coalesce(rests.buyer_count < {{ k }}, false) as is_last_resort
    from campaigns
    left join rests
        on
            campaigns.period = rests.period
            and campaigns.channel = rests.channel
            and campaigns.merged_campaign = '(other)'

),

-- 3. Places in the order in which they would join channel (other), which is number 0 where there is one.
queue as (

    select
        *,
        case
            when is_last_resort then 0
            else dense_rank() over (
                partition by period, is_last_resort
                order by place_buyer_count asc nulls last, place_channel asc nulls last, place_campaign asc nulls last
            )
        end as place_number
    from places
    qualify max(case when is_last_resort then 1 else 0 end) over (partition by period) = 1

),

first_places as (

    select
        buyers.period,
        buyers.attribution_model,
        buyers.buyer_id,
        min(queue.place_number) as place_number
    from buyers
    inner join queue using (period, channel, campaign)
    group by buyers.period, buyers.attribution_model, buyers.buyer_id

),

newcomers as (

    select
        period,
        place_number,
        attribution_model,
        count(*) as newcomer_count
    from first_places
    group by period, place_number, attribution_model

),

joined as (

    select
        numbers.period,
        numbers.place_number,
        sum(coalesce(newcomers.newcomer_count, 0)) over (
            partition by numbers.period, models.attribution_model
            order by numbers.place_number asc nulls last
        ) as buyer_count
    from (select distinct period, place_number from queue) as numbers
    cross join ({{ attribution_models() }}) as models
    left join newcomers
        on
            numbers.period = newcomers.period
            and numbers.place_number = newcomers.place_number
            and models.attribution_model = newcomers.attribution_model

),

last_to_join as (

    select
        period,
        coalesce(min(case when is_enough then place_number end), max(place_number)) as place_number
    from (
        select
            period,
            place_number,
            -- Enough for each model that gives anything to those that joined.
            max(case when buyer_count between 1 and {{ k - 1 }} then 1 else 0 end) = 0 as is_enough
        from joined
        group by period, place_number
    ) as sizes
    group by period

)

select
    places.period,
    places.channel,
    places.campaign,
    case when queue.place_number <= last_to_join.place_number then '(other)' else places.place_channel end
        as published_channel,
    case when queue.place_number <= last_to_join.place_number then '(other)' else places.place_campaign end
        as published_campaign
from places
left join queue using (period, channel, campaign)
left join last_to_join using (period)
{%- endmacro %}
