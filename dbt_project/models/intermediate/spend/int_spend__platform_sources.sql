with

known as (

    select
        source,
        platform
    from {{ ref('platform_sources') }}
    {% if var('platforms') -%}
    where
        source not in (
            {%- for one in var('platforms') %}
            {{ text(one.source) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    {%- for one in var('platforms') %}
    union all
    select
        {{ text(one.source) }} as source,
        {{ text(one.platform) }} as platform
    {%- endfor %}
    {%- endif %}

)

select * from known
