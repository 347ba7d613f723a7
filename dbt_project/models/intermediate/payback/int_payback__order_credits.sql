{%- set published = as_last_built('int_privacy__published_cohorts') -%}
with

{{ split_over_touches(ref('int_payback__weights')) }},

cohorts as (

    select
        order_id as of_order,
        cohort,
        first_order_id
    from {{ ref('int_payback__later_orders') }}

),

-- Orders of which the table of segments shows anything, and whether it shows all: by cohorts, nobody is to learn of
-- what it hides. Orders of which it shows a part are in no cohort, so that they count among what is left over.
shown as (

    select
        order_id as shown_order,
        min(segment_level) > 0 as is_whole
    from {{ ref('int_privacy__published_credits') }}
    where is_current and month >= {{ month_of(from_date()) }}
    group by order_id
    having max(segment_level) > 0 and bool_and(segment != 'new')

),

{% if published -%}
-- An order that has lost its person, or whose buyer's first one has, stays in the cohort that it was published in.
kept as (

    select
        published.month,
        published.order_id,
        published.touch_number,
        published.buyer_id,
        published.cohort,
        published.channel,
        published.revenue_cents,
        published.refund_cents,
        published.cogs_cents,
        published.conversion_millionths
    from {{ published }} as published
    inner join cohorts on published.order_id = cohorts.of_order
    inner join shown on published.order_id = shown.shown_order and shown.is_whole
    where published.is_current and published.channel is not null and cohorts.first_order_id is null

),

{% endif -%}
order_credits as (

    select
        {{ month_of('shares.ordered_on') }} as month,
        shares.order_id,
        shares.touch_number,
        shares.buyer_id,
        -- Whose first order is not known is in no cohort.
        case when shares.channel is not null and shown.is_whole then cohorts.cohort end as cohort,
        case when shown.is_whole then shares.channel end as channel,
        {{ shares_by_model() | indent(8) }}
    from shares
    inner join cohorts on shares.order_id = cohorts.of_order
    inner join shown on shares.order_id = shown.shown_order
    {% if published -%}
    where shares.order_id not in (select kept.order_id from kept)
    union all
    select * from kept
    {%- endif %}

)

select * from order_credits
