"""Finish a failed dbt run: `dbt retry-plus`.

dbt imports every top-level module named `dbt_*` in each of its commands, and the startup file imports
this package in each Python process, so this file imports nothing and never raises.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> object:
    """Hand out `__version__` and dbt's `plugins` only when somebody asks for them: both cost time."""
    if name == "__version__":
        return _installed_version()
    if name == "plugins":
        return _plugins()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dbt-retry-plus")
    except PackageNotFoundError:
        return "0+unknown"


def _plugins() -> list[type]:
    """What dbt asks of every module named `dbt_*`, in each command that loads a project."""
    from dbt_retry_plus.startup import is_disabled

    if is_disabled():
        return []
    try:
        from dbt_retry_plus.commands import RECORDED_COMMANDS
        from dbt_retry_plus.dbtcore.command import running_command

        if running_command() not in RECORDED_COMMANDS:
            return []
        from dbt_retry_plus.recording.plugin import RecordingPlugin
    except Exception as error:  # a dbt that we do not know shall work on, unrecorded
        import sys

        sys.stderr.write(f"dbt-retry-plus: invocations are not recorded: {type(error).__name__}: {error}\n")
        return []
    return [RecordingPlugin]
