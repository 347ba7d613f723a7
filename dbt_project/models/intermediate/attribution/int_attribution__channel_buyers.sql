-- depends_on: {{ ref('stg_ops__final_days') }}
with

months as (

    {{ learning_months(this if is_incremental() else none) | indent(4) }}

),

-- Once they have taught, which keeps the machine busy.
learned as (

    select distinct month
    from {{ ref('int_attribution__path_rates') }}

),

touches as (

    select * from {{ ref('int_attribution__converting_touches') }}

),

-- Once per buyer, not once per buyer and month: windows of 90 days overlap.
buyers as (

    select
        channel,
        buyer_id,
        {{ list_of_distinct('ordered_on') }} as bought_on
    from touches
    where buyer_id is not null
    group by channel, buyer_id

),

channel_buyers as (

    select
        months.month,
        buyers.channel,
        count(*) as buyers
    from buyers
    inner join months on {{ any_between('buyers.bought_on', 'months.first_on', 'months.last_on') }}
    inner join learned on months.month = learned.month
    group by months.month, buyers.channel

)

select * from channel_buyers
