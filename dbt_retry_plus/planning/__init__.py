"""Pure functions from what is recorded to what a retry will do: no I/O and no dbt."""
