"""Running a plan with dbt-core's own tasks."""
