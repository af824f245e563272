{#
  An operation whose arguments show, in the table control.notes, whether they arrived as they were given:
      dbt run-operation record_note --args '{note: "it is done", details: {owner: {name: Ann}, tags: [a, "b c"]}}'
#}
{% macro record_note(note, details=none) -%}
  {%- do run_query(switches.create_control_tables()
                   ~ " create table if not exists control.notes (note varchar(4000), details varchar(4000))") -%}
  {%- do switches.obey_switch('record_note') -%}
  {%- if 'record_note' in var('fail_nodes') -%}
    {{ exceptions.raise_compiler_error('record_note was told to fail by the var fail_nodes') }}
  {%- endif -%}
  {%- do run_query(
       "insert into control.notes (note, details) values ("
       ~ "'" ~ (note | string | replace("'", "''")) ~ "', "
       ~ "'" ~ (tojson(details, sort_keys=true) | replace("'", "''")) ~ "')"
     ) -%}
  {#- dbt leaves the transaction of an operation open, and PostgreSQL would forget it -#}
  {%- do run_query('commit') if target.type == 'postgres' -%}
  {{ log('recorded: ' ~ note, info=true) }}
{%- endmacro %}
