{% test conserved_by(model, whole, by, period, measures, whole_measures=none, whole_where='true') %}
{{ not_conserved(model, whole, by, period, measures, whole_measures, whole_where) }}
{% endtest %}
