-- Of what a model unnests, so that it can't stand beside the model: what is unnested is no table.
{{ test_conserved_by(
    ref('int_attribution__credits'),
    whole=ref('int_orders__conversions'),
    by='order_id',
    period='ordered_on',
    whole_where='is_priced',
    measures=['revenue_cents', 'refund_cents', 'cogs_cents', 'conversion_millionths'],
    whole_measures=['revenue_cents', 'refund_cents', 'cogs_cents', '1000000'],
) }}
