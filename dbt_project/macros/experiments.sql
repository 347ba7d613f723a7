{#- Holdout experiments, as the configuration gives them. -#}

{% macro experiments() -%}
    {#- The region's experiments, as rows. -#}
    {%- for one in var('experiments') %}
    select
        {{ text(one.name) }} as experiment,
        {{ text(one.id) }} as event_name,
        {{ text(one.channel) }} as channel,
        {{ text(one.campaign) if one.campaign else 'null' }} as campaign,
        '{{ one.assignment }}' as assignment,
        date '{{ one.from_date }}' as from_date,
        date '{{ one.to_date }}' as to_date,
        date '{{ one.pre_from_date }}' as pre_from_date,
        {{ (not one.treated) | lower }} as is_rest_treated,
        cast('{{ one.control_millionths }}' as integer) as control_millionths,
        cast('{{ one.confidence }}' as decimal(4, 3)) as confidence,
        cast('{{ one.quantile }}' as double) as quantile,
        {{ text(one | tojson) }} as rules
    union all
    {%- endfor %}
    select
        cast(null as {{ text_type() }}) as experiment,
        cast(null as {{ text_type() }}) as event_name,
        cast(null as {{ text_type() }}) as channel,
        cast(null as {{ text_type() }}) as campaign,
        cast(null as {{ text_type() }}) as assignment,
        cast(null as date) as from_date,
        cast(null as date) as to_date,
        cast(null as date) as pre_from_date,
        cast(null as boolean) as is_rest_treated,
        cast(null as integer) as control_millionths,
        cast(null as decimal(4, 3)) as confidence,
        cast(null as double) as quantile,
        cast(null as {{ text_type() }}) as rules
    where false
{%- endmacro %}

{% macro experiment_arms() -%}
    {#- The arm of each variation or geography that the configuration names, as rows. -#}
    {%- for one in var('experiments') %}
    {%- for arm in ('control', 'treated') %}
    {%- for value in one[arm] %}
    select
        {{ text(one.name) }} as experiment,
        {{ text(value) }} as member,
        '{{ arm }}' as arm
    union all
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
    select
        cast(null as {{ text_type() }}) as experiment,
        cast(null as {{ text_type() }}) as member,
        cast(null as {{ text_type() }}) as arm
    where false
{%- endmacro %}

{% macro arm_columns(of, counts_of=none) -%}
    {#- What is shown of an arm, in one order, and what it counted, as columns of a table. -#}
    {%- set counts = [
        'buyer_count', 'buyer_count_before', 'rest_buyer_count', 'rest_buyer_count_before', 'refunded_count',
        'rest_refunded_count'
    ] -%}
    {%- set shown = [
        'experiment', 'arm', 'measure', 'unit_count', 'contaminated_count', 'rest_revenue_cents', 'rest_margin_cents',
        'base_total', 'total', 'ratio', 'ratio_variance', 'rules', 'is_shown', 'k_anonymity'
    ] -%}
    {%- for name in shown %}{{ of }}.{{ name }},
{% endfor -%}
    {%- for name in counts %}{{ counts_of or of }}.{{ name }}{{ ",\n" if not loop.last }}{% endfor -%}
{%- endmacro %}

{% macro has_experiments(assignments=('events', 'pseudonym', 'geography')) -%}
    {#- Where there are none of a kind, what they would read is not read. -#}
    {%- set found = [] -%}
    {%- for one in var('experiments') if one.assignment in assignments %}{% do found.append(one.name) %}{% endfor -%}
    {{ 'true' if found else 'false' }}
{%- endmacro %}

{% macro drawn_millionth(experiment, person_id) -%}
    {#- A person's place from 0 to 999999 in the draw of an experiment: the first 60 bits of an MD5, modulo. -#}
    ({{ hash_60_bits("concat(" ~ experiment ~ ", ':', cast(" ~ person_id ~ " as " ~ text_type() ~ "))") }} % 1000000)
{%- endmacro %}

{% macro t_quantile(normal_quantile, degrees) -%}
    {#-
        Student's t by the expansion of Abramowitz and Stegun (26.7.5): at 95% right to 0.001 from four degrees of
        freedom on.
    -#}
    {%- set z, v = normal_quantile, degrees -%}
    {{ z }}
    + (pow({{ z }}, 3) + {{ z }}) / (4 * {{ v }})
    + (5 * pow({{ z }}, 5) + 16 * pow({{ z }}, 3) + 3 * {{ z }}) / (96 * pow({{ v }}, 2))
    + (3 * pow({{ z }}, 7) + 19 * pow({{ z }}, 5) + 17 * pow({{ z }}, 3) - 15 * {{ z }}) / (384 * pow({{ v }}, 3))
    + (
        79 * pow({{ z }}, 9) + 776 * pow({{ z }}, 7) + 1482 * pow({{ z }}, 5) - 1920 * pow({{ z }}, 3) - 945 * {{ z }}
    ) / (92160 * pow({{ v }}, 4))
{%- endmacro %}

{% macro clear_experiments() -%}
    {#- All but those whose events retention has begun to dispose of: their result stands. -#}
    {%- if load_cached_relation(this) -%}
        delete from {{ this }} where experiment not in (
        {%- for one in var('experiments') if var('kept_through') and one.pre_from_date <= var('kept_through') %}
            {{- text(one.name) }},
        {%- endfor -%}
        '')
    {%- endif -%}
{%- endmacro %}
