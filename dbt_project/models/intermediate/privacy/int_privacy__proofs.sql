-- What each table's step of a month left of its proof stands among its rows, without an order.
with

proofs as (

    select
        month,
        'credits' as division,
        proof
    from {{ ref('int_privacy__steps') }}
    where order_id is null
    union all
    select
        month,
        'currencies' as division,
        proof
    from {{ ref('int_privacy__currency_steps') }}
    where order_id is null
    union all
    select
        month,
        'cohorts' as division,
        proof
    from {{ ref('int_privacy__cohort_steps') }}
    where order_id is null
    union all
    select
        month,
        'fates' as division,
        proof
    from {{ ref('int_privacy__fate_steps') }}
    where order_id is null

)

select
    month,
    division,
    proof.step,
    proof.is_first,
    proof.looked_at,
    proof.at_risk,
    proof.programmes,
    proof.found,
    proof.repaired,
    proof.hidden_refunds,
    proof.closed_parts,
    proof.merged_pairs,
    proof.is_fallen_back,
    proof.cost_cents
from proofs
