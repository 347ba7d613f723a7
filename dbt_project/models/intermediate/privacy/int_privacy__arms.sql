select
    {{ arm_columns('arms') | indent(4) }}
from {{ ref('int_privacy__arms_to_show') }} as arms
