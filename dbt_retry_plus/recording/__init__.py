"""The dbt plugin that journals every invocation which executes nodes."""
