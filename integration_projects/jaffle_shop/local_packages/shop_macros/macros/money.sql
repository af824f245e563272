{% macro cents_to_units(column) -%}
  cast({{ column }} as numeric(16, 2)) / 100
{%- endmacro %}
