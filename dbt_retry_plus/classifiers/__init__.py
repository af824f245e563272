"""What the errors of databases mean for another attempt: one plugin for each family of adapters, and one for all."""
