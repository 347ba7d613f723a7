{#- The shop's own rules, then GA4's default channel group, first match wins, AI Assistant inserted before Email. -#}

{% macro is_paid(medium) -%}
    {{ matches(medium, '^(.*cp.*|ppc|retargeting|paid.*)$') }}
{%- endmacro %}

{% macro is_cross_network(campaign) -%}
    {{ campaign }} like '%cross-network%'
{%- endmacro %}

{% macro is_shopping(campaign) -%}
    {{ matches(campaign, '^(.*(([^a-df-z]|^)shop|shopping).*)$') }}
{%- endmacro %}

{% macro channel_group(source, medium, campaign, category) -%}
    {#- All four in lower case and not NULL; the category is that of the source, '' where it is unknown. -#}
    case
        {%- for rule in var('channel_rules') %}
        when true
            {%- for column, pattern in [(source, rule.source), (medium, rule.medium), (campaign, rule.campaign)] %}
            {%- if pattern is not none %} and {{ matches_whole(column, pattern) }}{% endif %}
            {%- endfor %}
            then {{ text(rule.channel) }}
        {%- endfor %}
        when {{ source }} = '(direct)' and {{ medium }} in ('(none)', '(not set)') then 'Direct'
        when {{ is_cross_network(campaign) }} then 'Cross-network'
        when {{ is_paid(medium) }} and ({{ category }} = 'shopping' or {{ is_shopping(campaign) }}) then 'Paid Shopping'
        when {{ is_paid(medium) }} and {{ category }} = 'search' then 'Paid Search'
        when {{ is_paid(medium) }} and {{ category }} = 'social' then 'Paid Social'
        when {{ is_paid(medium) }} and {{ category }} = 'video' then 'Paid Video'
        when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'Display'
        when {{ is_paid(medium) }} then 'Paid Other'
        when {{ category }} = 'shopping' or {{ is_shopping(campaign) }} then 'Organic Shopping'
        when {{ category }} = 'social'
            or {{ medium }} in ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')
            then 'Organic Social'
        when {{ category }} = 'video' or {{ medium }} like '%video%' then 'Organic Video'
        when {{ category }} = 'search' or {{ medium }} = 'organic' then 'Organic Search'
        when {{ category }} = 'ai_assistant' then 'AI Assistant'
        when {{ category }} = 'email' or {{ medium }} in ('email', 'e-mail', 'e_mail', 'e mail') then 'Email'
        when {{ medium }} = 'affiliate' then 'Affiliates'
        when {{ medium }} in ('referral', 'app', 'link') then 'Referral'
        when {{ medium }} = 'audio' then 'Audio'
        when {{ source }} = 'sms' or {{ medium }} = 'sms' then 'SMS'
        when {{ medium }} like '%push' or {{ medium }} like '%mobile%' or {{ medium }} like '%notification%'
            or {{ source }} = 'firebase'
            then 'Mobile Push Notifications'
        else 'Unassigned'
    end
{%- endmacro %}

{% macro is_in_domains(host, domains) -%}
    {#- A domain covers its subdomains. -#}
    (
        false
        {%- for domain in domains %}
        or {{ host }} = '{{ domain | lower }}' or {{ host }} like '%.{{ domain | lower }}'
        {%- endfor %}
    )
{%- endmacro %}
