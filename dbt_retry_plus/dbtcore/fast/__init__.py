"""The same outcome in less time: dbt's own work, done once, lazily or faster, for the length of our command.

One file is one piece. What a piece replaces, and in which shapes it knows it, stands beside it; with a dbt that has
another shape the piece stays out of the way.
"""
