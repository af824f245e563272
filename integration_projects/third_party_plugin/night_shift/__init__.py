"""A sample plugin for dbt-retry-plus."""
