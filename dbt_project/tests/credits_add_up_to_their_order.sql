-- Of a model that is unnested where it is read: it is no table, so the check is one of the table behind it.
-- depends_on: {{ ref('int_attribution__touch_credits') }}
{{ not_conserved(
    ref('int_attribution__credits'),
    whole=ref('int_orders__conversions'),
    by='order_id',
    period='ordered_on',
    measures=['revenue_cents', 'refund_cents', 'cogs_cents', 'conversion_millionths'],
    whole_measures=['revenue_cents', 'refund_cents', 'cogs_cents', '1000000'],
    whole_where='is_priced',
) }}
