"""Several dbt commands as the steps of one job, which can be run again from where it failed."""
