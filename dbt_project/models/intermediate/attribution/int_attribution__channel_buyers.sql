with

months as (

    {{ learning_months(this if is_incremental() else none) | indent(4) }}

),

paths as (

    select
        ordered_on,
        buyer_id,
        unnest(path) as channel
    from {{ ref('int_attribution__converting_paths') }}

),

channel_buyers as (

    select
        months.month,
        paths.channel,
        count(distinct paths.buyer_id) as buyers
    from paths
    inner join months on paths.ordered_on between months.first_on and months.last_on
    group by months.month, paths.channel

)

select * from channel_buyers
