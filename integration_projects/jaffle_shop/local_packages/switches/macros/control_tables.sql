{# Plain SQL, which the tests run as well, to flip a switch before the first command. #}
{% macro create_control_tables() -%}
  create schema if not exists control;
  create table if not exists control.switches (
    node varchar(300) not null,
    fail boolean default false,
    error boolean default false,
    seconds double precision default 0,
    message varchar(300) default 'this node was told to fail by control.switches'
  );
  create table if not exists control.invocations (
    invocation_id varchar(36), command varchar(40), results integer, selected varchar(20000)
  );
{%- endmacro %}

{# Keeps in the warehouse what each command did, for tests that distrust the artifacts. #}
{% macro record_invocation() -%}
  {%- if execute -%}
    insert into control.invocations (invocation_id, command, results, selected)
    values ('{{ invocation_id }}', '{{ flags.WHICH }}', {{ results | length }},
            '{{ selected_resources | sort | join(" ") }}')
  {%- endif -%}
{%- endmacro %}
