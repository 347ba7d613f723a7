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
    proofs.month,
    proofs.division,
    proofs.proof.step,
    proofs.proof.is_first,
    proofs.proof.looked_at,
    proofs.proof.at_risk,
    proofs.proof.programmes,
    proofs.proof.found,
    proofs.proof.repaired,
    proofs.proof.hidden_refunds,
    proofs.proof.closed_parts,
    proofs.proof.merged_pairs,
    proofs.proof.is_fallen_back,
    proofs.proof.cost_cents
from proofs
