{#- Whose an event is: its user's, else the user's to whom its device belonged then, else the device's own. -#}

{% macro person_of(events) -%}
    coalesce({{ events }}.user_id, device_users.user_id, {{ events }}.anonymous_id)
{%- endmacro %}

{% macro left_join_device_users(events) -%}
    left join device_users
        on
            {{ events }}.anonymous_id = device_users.anonymous_id
            and {{ events }}.occurred_at >= device_users.valid_from
            and {{ events }}.occurred_at < device_users.valid_to
{%- endmacro %}
