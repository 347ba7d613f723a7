{#- Which landed rows of cost count, and what they add up to. -#}

{% macro standing_rows(rows) -%}
    {#-
        The rows that stand. Of a delivery's rows that are alike in everything but what they measure, those that were
        extracted last; equal ones once, in whichever of its files they are. Platforms restate their cost, so of an
        account's campaign and day the last delivery stands, and one that names no account stands for all.
    -#}
    with

    named as (

        select
            *,
            coalesce(delivery, file) as delivery_name,
            coalesce(delivery_order, file) as delivered_as,
            coalesce(extracted_at, '') as read_at,
            coalesce(cast(row_hash as {{ text_type() }}), concat(cast(spend_on as {{ text_type() }}), campaign_id)) as row_name
        from {{ rows }}

    ),

    newest as (

        select *
        from named
        qualify
            entity_hash is null
            or read_at = max(read_at) over (partition by platform, delivery_name, entity_hash)

    ),

    counted_once as (

        select *
        from newest
        qualify
            row_number() over (
                partition by platform, delivery_name, row_name
                order by file desc nulls last, line desc nulls last
            ) = 1

    )

    select
        *,
        concat(delivered_as, file, lpad(cast(line as {{ text_type() }}), 12, '0')) as landed_as
    from counted_once
    qualify
        delivered_as = max(delivered_as) over (partition by platform, spend_on, campaign_id, account)
        and delivered_as >= coalesce(
            max(case when account is null then delivered_as end) over (partition by platform, spend_on, campaign_id), ''
        )
        and (
            account is not null
            or delivered_as = max(delivered_as) over (partition by platform, spend_on, campaign_id)
        )
{%- endmacro %}
