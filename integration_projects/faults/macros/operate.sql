{% macro operate() %}
  {% do run_query("select control.fault('operate')") %}
{% endmacro %}
