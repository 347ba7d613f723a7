{#- Where what is published of a table stands: a level of 2 is a cell of its own, 1 (other) of its channel, 0 channel (other). -#}

{% macro cells_of(period, level, ordered_in, spent_in, window) -%}
    {#-
        In which cell a campaign's cost is published: that of its credit. A campaign without any keeps its own, unless its whole
        channel stands in channel (other), so that no row has cost whose revenue stands elsewhere.
    -#}
    {%- set day = 'touched_on' if level == 'touch_level' else 'ordered_on' -%}
    {%- set in_window_of_orders = in_touch_window(day) if window == 'in_touch_window' else in_window_months(day) -%}
    {%- set in_window_of_costs = in_touch_window('spend_on') if window == 'in_touch_window' else in_window_months('spend_on') -%}
with

placed as (

    select
        {{ ordered_in }} as period,
        channel,
        campaign,
        max({{ level }}) as level,
        max(case when {{ level }} = 1 then 1 else 0 end) as is_in_channel
    from {{ ref('int_privacy__published_credits') }}
    where {{ in_window_of_orders }}
    group by all

),

channels as (

    select
        period,
        channel,
        max(level) as level,
        max(is_in_channel) as has_other
    from placed
    group by period, channel

),

credited as (

    select
        placed.period,
        placed.channel,
        placed.campaign,
        case when placed.level = 2 or channels.has_other = 1 then placed.channel else '(other)' end as published_channel,
        case when placed.level = 2 then placed.campaign else '(other)' end as published_campaign
    from placed
    inner join channels on placed.period = channels.period and placed.channel = channels.channel

),

costs as (

    select distinct
        {{ spent_in }} as period,
        channel,
        campaign
    from {{ ref('int_spend__daily_costs') }}
    where {{ in_window_of_costs }}

),

going_along as (

    select
        costs.period,
        costs.channel,
        costs.campaign,
        '(other)' as published_channel,
        '(other)' as published_campaign
    from costs
    inner join channels on costs.period = channels.period and costs.channel = channels.channel
    left join placed
        on costs.period = placed.period and costs.channel = placed.channel and costs.campaign = placed.campaign
    where channels.level = 0 and placed.campaign is null

)

select
    period as {{ period }},
    channel,
    campaign,
    published_channel,
    published_campaign
from credited
union all
select
    period as {{ period }},
    channel,
    campaign,
    published_channel,
    published_campaign
from going_along
{%- endmacro %}

{% macro published_credit(period, level, in_window, cell) -%}
    {#-
        CTEs up to `credits`: what each cell of a table shows, and in channel (other) what the region's total of the period
        is more. A cell is a column each of `cell`, by its name and SQL, with what channel (other) has instead.
    -#}
named as (

    select
        {{ period }} as period,
        {% for name, expression, rest in cell -%}
        {{ expression }} as {{ name }},
        {% endfor -%}
        attribution_model,
        {%- for amount in amounts() %}
        sum({{ amount }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_privacy__standing_credits') }}
    where {{ level }} > 0 and {{ in_window }}
    group by all

),

wholes as (

    select
        {{ period }} as period,
        attribution_model,
        {%- for amount in amounts() %}
        sum({{ amount }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_attribution__credits') }}
    where {{ in_window }}
    group by all

),

parts as (

    select
        period,
        attribution_model,
        {%- for amount in amounts() %}
        sum({{ amount }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from named
    group by all

),

differences as (

    select
        coalesce(wholes.period, parts.period) as period,
        coalesce(wholes.attribution_model, parts.attribution_model) as attribution_model,
        {%- for amount in amounts() %}
        coalesce(wholes.{{ amount }}, 0) - coalesce(parts.{{ amount }}, 0) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from wholes
    full outer join parts on wholes.period = parts.period and wholes.attribution_model = parts.attribution_model

),

credits as (

    -- A touch without weight under a model is no row of it.
    select * from named
    where {% for amount in amounts() %}{{ amount }} != 0{{ " or " if not loop.last }}{% endfor %}
    union all
    select
        period,
        {% for name, expression, rest in cell -%}
        '{{ rest }}' as {{ name }},
        {% endfor -%}
        attribution_model,
        {%- for amount in amounts() %}
        {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from differences
    where {% for amount in amounts() -%}
        {{ " or " if not loop.first }}{{ amount }} != 0
    {%- endfor %}

),
{%- endmacro %}
