{#
  Switches make a chosen node slow or broken while no file of the project changes. They are rows of the table
  `control.switches`, read when the node executes, so that flipping one between two commands leaves code and
  arguments as they were:

      insert into control.switches (node, fail) values ('orders', true)

  A node that is told to fail raises a real error of the database: a text that is no number is cast to integer.
  For a test, `fail` means one more failure, and `error` means the database error.
  The var `fail_nodes` does the same through the arguments: --vars '{fail_nodes: [orders]}'.

  A project that wants switches sets `+pre-hook: "{{ switches.obey_switch(model.name) }}"` and, for its tests,
  puts this package before dbt in the search order of dispatch.
#}

{% macro switch_rows(name) -%}
  from control.switches as switch where switch.node = '{{ name }}'
{%- endmacro %}

{% macro obey_switch(name) -%}
  {%- if name in var('fail_nodes', []) -%}
    select max(cast(told.message as integer)) as never
    from (select '{{ name }} was told to fail by the var fail_nodes' as message) as told
  {%- elif execute -%}
    {#- fetched, for a database that computes a result only as far as it is read -#}
    {%- do switches.nap(name) -%}
    {%- do run_query('select max(cast(switch.message as integer)) as never '
                     ~ switches.switch_rows(name) ~ ' and (switch.fail or switch.error)') -%}
  {%- endif -%}
{%- endmacro %}

{# Waits for as long as the switch says, in a query, so that dbt can cancel it. #}
{% macro nap(name) -%}
  {%- set seconds = run_query('select coalesce(max(switch.seconds), 0) as seconds '
                              ~ switches.switch_rows(name)).columns[0].values()[0] | float -%}
  {%- do adapter.dispatch('nap_for', 'switches')(seconds) if seconds > 0 -%}
{%- endmacro %}

{% macro postgres__nap_for(seconds) -%}
  {%- do run_query('select pg_sleep(' ~ seconds ~ ')') -%}
{%- endmacro %}

{% macro duckdb__nap_for(seconds) -%}
  {%- set query -%}
    {#- many short naps: DuckDB looks for an interrupt only between the steps of a query -#}
    with recursive naps(remaining) as (
      select cast({{ seconds }} as double)
      union all
      select case when sleep_ms(50) is null then remaining - 0.05 else remaining - 0.05 end
      from naps where remaining > 0
    )
    select min(remaining) as remaining from naps
  {%- endset -%}
  {%- if run_query("select 1 from duckdb_functions() where function_name = 'sleep_ms'") | length -%}
    {%- do run_query(query) -%}
  {%- else -%}
    {#- an old DuckDB cannot sleep, and crashes with a Python function that could: keep it busy instead -#}
    {%- set datetime = modules.datetime -%}
    {%- set deadline = datetime.datetime.now() + datetime.timedelta(seconds=seconds) -%}
    {%- for _ in range(100000) if datetime.datetime.now() < deadline -%}
      {%- do run_query('select count(*) from range(100000000)') -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}

{# The number of failures that the switch of a test adds to those that the test found. #}
{% macro switched_failures(name) -%}
  {%- if name in var('fail_nodes', []) -%}
    1
  {%- else -%}
    (select coalesce(max(case when switch.error then cast(switch.message as integer)
                              when switch.fail then 1 else 0 end), 0) {{ switches.switch_rows(name) }})
  {%- endif -%}
{%- endmacro %}

{# Overrides of dbt's own macros, so that every test of the project has a switch. #}
{% macro default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
  {%- do switches.nap(model.name) -%}
  {{ dbt.default__get_test_sql(
       main_sql, '(' ~ fail_calc ~ ' + ' ~ switches.switched_failures(model.name) ~ ')', warn_if, error_if, limit
     ) }}
{%- endmacro %}

{% macro default__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
  {%- do switches.nap(model.name) -%}
  {#- a failing unit test loses its actual rows, which then differ from the expected ones -#}
  select * from (
    {{ dbt.default__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) }}
  ) as comparison
  where actual_or_expected = 'expected' or {{ switches.switched_failures(model.name) }} = 0
{%- endmacro %}
