"""What the tests of several folders share: dbt projects to run, and a PostgreSQL server to run them on."""
