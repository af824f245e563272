"""The one error a user can cause, raised by every folder and turned into dbt's own error at the edge."""


class RetryRefusedError(Exception):
    """The retry cannot or must not run; the text says what, where and what to do.

    The command line shows the text the way dbt shows its own runtime errors and exits with 2.
    """
