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

channel_buyers as (

    select
        months.month,
        touches.channel,
        count(distinct touches.buyer_id) as buyers
    from touches
    inner join months on touches.ordered_on between months.first_on and months.last_on
    inner join learned on months.month = learned.month
    group by months.month, touches.channel

)

select * from channel_buyers
