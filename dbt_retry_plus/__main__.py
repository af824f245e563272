"""Run `python -m dbt_retry_plus` as the script `dbt-retry-plus`."""

from dbt_retry_plus.cli.console import main

if __name__ == "__main__":
    main()
