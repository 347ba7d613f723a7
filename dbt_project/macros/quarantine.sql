{#- What is set aside, by hand or as implausible, is in no model: ops.quarantine names orders and single records. -#}

{% macro is_accepted_order() -%}
    {#- Of a row with an `order_id`, which may be NULL. -#}
    (
        order_id is null
        or order_id not in (
            select quarantine.order_id from {{ source('ops', 'quarantine') }} as quarantine
            where quarantine.order_id is not null and quarantine.released_at is null
        )
    )
{%- endmacro %}

{% macro is_accepted_event() -%}
    {{ is_accepted_order() }}
    {%- if var('has_quarantined_records') %}
    and (archive_id, record_offset) not in (
        select {{ columns_in(['quarantine.archive_id', 'quarantine.record_offset']) }} from {{ source('ops', 'quarantine') }} as quarantine
        where quarantine.archive_id is not null and quarantine.released_at is null
    )
    {%- endif %}
{%- endmacro %}
