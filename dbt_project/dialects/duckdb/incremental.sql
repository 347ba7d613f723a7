{% macro as_last_built(name) -%}
    {#-
        The intermediate table as the build before left it, or none: no ref, since it is built from what asks for it. A linter
        has no adapter to ask.
    -#}
    {%- if adapter is defined -%}
        {{ return(adapter.get_relation(database='region', schema='intermediate', identifier=name)) }}
    {%- endif -%}
    {{ return(name) }}
{%- endmacro %}

{% materialization incremental, adapter="duckdb" -%}
    {#-
        dbt-duckdb fills a temporary table first and asks for its columns. What is appended needs neither: the hooks have
        made room for it. By name, so that a column which the table does not have fails. Where the model itself reads what
        it replaces, that goes once the new rows are in: those of the window, whose day is the column `meta.replaces`, and
        those that share their `unique_key` with a new one.
    -#}
    {%- if load_cached_relation(this) is none or config.get("incremental_strategy") != "append" -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {%- set replaces = config.get("meta", {}).get("replaces") -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if config.get("contract").enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}
    {%- set last_row = run_query("select coalesce(max(rowid), -1) from " ~ this).rows[0][0] if replaces -%}
    {%- call statement("main") -%}
        insert into {{ this }} by name (
            {{ sql }}
        )
    {%- endcall -%}
    {%- if replaces -%}
        {%- set key = config.get("unique_key") -%}
        {%- call statement("replace") -%}
            delete from {{ this }}
            where
                rowid <= {{ last_row }}
                and ({{ in_window(replaces) }} or {{ key }} in (select {{ key }} from {{ this }} where rowid > {{ last_row }}))
        {%- endcall -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [this.incorporate(type="table")]}) }}
{%- endmaterialization %}
