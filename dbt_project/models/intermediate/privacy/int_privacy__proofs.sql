select
    steps.month,
    steps.proof.step,
    steps.proof.is_first,
    steps.proof.looked_at,
    steps.proof.at_risk,
    steps.proof.programmes,
    steps.proof.found,
    steps.proof.repaired,
    steps.proof.hidden_refunds,
    steps.proof.closed_parts,
    steps.proof.merged_pairs,
    steps.proof.is_fallen_back,
    steps.proof.cost_cents
from {{ ref('int_privacy__steps') }} as steps
where steps.order_id is null
