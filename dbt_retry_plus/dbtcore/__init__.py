"""The only folder that imports dbt-core: one function per need, the version differences inside."""
