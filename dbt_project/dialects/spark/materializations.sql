{#-
    How tables are filled on Spark. A table of files has no delete and no rename of what is replaced in one go, and needs
    neither: a build has copies of its own, which nobody else reads, and is handed over whole or not at all.
-#}

{% macro as_last_built(name) -%}
    {{ return(adapter.get_relation(database=none, schema='intermediate', identifier=name)) }}
{%- endmacro %}

{% macro put_in_place_of(relation, query) -%}
    {#- The relation as the rows of a query, which may read it. -#}
    {%- set beside = relation.incorporate(path={'identifier': relation.identifier ~ '__beside'}, type='table') -%}
    {%- call statement('beside') -%}
        create table {{ beside }} using parquet as
        {{ query }}
    {%- endcall -%}
    {%- call statement('drop') -%} drop table if exists {{ relation }} {%- endcall -%}
    {%- call statement('rename') -%} alter table {{ beside }} rename to {{ relation }} {%- endcall -%}
{%- endmacro %}

{% macro run_deletes(hooks, relation) -%}
    {#- Hooks are `delete from <this> where <condition>`, and nothing else. -#}
    {%- for hook in hooks -%}
        {%- set asked = render(hook.get('sql')) | trim -%}
        {%- set begins = 'delete from ' ~ relation ~ ' where ' -%}
        {%- if asked and not asked.startswith(begins) -%}
            {{ exceptions.raise_compiler_error('On Spark a hook clears rows of its own table: ' ~ asked) }}
        {%- elif asked -%}
            {{ put_in_place_of(
                relation, 'select * from ' ~ relation ~ ' where not coalesce((' ~ asked[begins | length:] ~ '), false)'
            ) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro rows_that_stay(relation, added) -%}
    {#- Of what is there, by how a table is configured: all, or what has no row of the same key among the new ones. -#}
    {%- set key, replaces = config.get('unique_key'), config.get('meta', {}).get('replaces') -%}
    {%- set keys = [key] if key is string else (key or []) -%}
    select * from {{ relation }} as stored
    where
        {%- if keys %} not exists (
            select 1 from {{ added }} as added
            where {% for one in keys %}{{ ' and ' if not loop.first }}stored.{{ one }} = added.{{ one }}{% endfor %}
        ) {%- else %} true {%- endif %}
        {%- if replaces %} and not coalesce({{ in_window('stored.' ~ replaces) }}, false) {%- endif %}
{%- endmacro %}

{% materialization incremental, adapter="spark" -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- if load_cached_relation(this) is none -%}
        {%- call statement('main') -%}
            create table {{ target }} using parquet as
            {{ sql }}
        {%- endcall -%}
    {%- else -%}
        {%- do run_deletes(pre_hooks, target) -%}
        {%- set added = target.incorporate(path={'identifier': target.identifier ~ '__added'}) -%}
        {%- call statement('main') -%}
            create table {{ added }} using parquet as
            {{ sql }}
        {%- endcall -%}
        {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='name') | join(', ') -%}
        {%- if config.get('unique_key') or config.get('meta', {}).get('replaces') -%}
            {%- do put_in_place_of(target, rows_that_stay(target, added)) -%}
        {%- endif -%}
        {%- call statement('add') -%}
            insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ added }}
        {%- endcall -%}
        {%- call statement('drop_added') -%} drop table {{ added }} {%- endcall -%}
    {%- endif -%}
    {%- do run_deletes(post_hooks, target) -%}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}

{% materialization table, adapter="spark", supported_languages=["sql", "python"] -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- if load_cached_relation(this) is not none -%}
        {%- do run_deletes(pre_hooks, target) -%}
    {%- endif -%}
    {%- if model['language'] == 'python' -%}
        {%- call statement('main', language='python') -%} {{ compiled_code }} {%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%} select 1 {%- endcall -%}
        {%- do put_in_place_of(target, sql) -%}
    {%- endif -%}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}

{% materialization view, adapter="spark" -%}
    {#- A view would be worked out as often as it is named. -#}
    {%- set target = this.incorporate(type='table') -%}
    {%- call statement('main') -%} select 1 {%- endcall -%}
    {%- do put_in_place_of(target, sql) -%}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}
