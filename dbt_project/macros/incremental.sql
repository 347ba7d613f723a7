{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {#-
        What an incremental model appends need not be stored twice: in place of the temporary table that dbt-duckdb fills
        first, a view, which is read once. Not where the model reads what it appends to.
    -#}
    {%- if temporary and language == 'sql' and config.get('incremental_strategy') == 'append'
        and (this | string) not in compiled_code -%}
        {%- if config.get('contract').enforced -%}
            {{ get_assert_columns_equivalent(compiled_code) }}
        {%- endif %}
    create temporary view {{ relation.include(database=false, schema=false) }} as (
        {{ compiled_code }}
    )
    {%- else -%}
        {{ return(dbt.duckdb__create_table_as(
            temporary, relation, compiled_code, language, partitioned_by=partitioned_by, sorted_by=sorted_by
        )) }}
    {%- endif -%}
{%- endmacro %}
