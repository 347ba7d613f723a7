{% materialization incremental, adapter="duckdb" -%}
    {#-
        dbt-duckdb fills a temporary table first and asks for its columns. What is appended needs neither: the hooks have
        made room for it. By name, so that a column which the table does not have fails.
    -#}
    {%- if load_cached_relation(this) is none or config.get("incremental_strategy") != "append" -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if config.get("contract").enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}
    {%- call statement("main") -%}
        insert into {{ this }} by name (
            {{ sql }}
        )
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [this.incorporate(type="table")]}) }}
{%- endmaterialization %}
