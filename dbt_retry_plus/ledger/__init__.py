"""Reading and writing invocations: the ledger's own folder and dbt's artifacts."""
