"""A packaged dbt project: `python -m harbour` prints the folder of it."""
