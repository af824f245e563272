"""The project that `dbt-retry-plus demo` copies, breaks, repairs and retries."""
