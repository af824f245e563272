"""Finish a failed dbt run: `dbt retry-plus`.

dbt imports every top-level module named `dbt_*` in each of its commands, and the startup file imports
this package in each Python process, so this file imports nothing and never raises.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> object:
    """Hand out `__version__` only when somebody asks for it: reading package metadata is slow."""
    if name == "__version__":
        return _installed_version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dbt-retry-plus")
    except PackageNotFoundError:
        return "0+unknown"
