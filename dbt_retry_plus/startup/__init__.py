"""How `dbt retry-plus` comes to exist, although dbt-core has no way to add a subcommand.

`dbt_retry_plus.pth` (and `dbt_retry_plus.start` from Python 3.15, PEP 829) lies in site-packages and calls
`install` as an interpreter starts. That puts one finder on `sys.meta_path` which waits for `dbt.cli.main`;
once dbt's command line has been imported, its click group also offers the entry points of the group
`dbt.cli.commands`, and `retry-plus` is one of them.

Every Python process of the environment runs this file. It therefore imports only what an interpreter has
already loaded by then; what the rare process with dbt in it needs stands in the modules beside it.
"""

import os
import sys

TYPE_CHECKING = False  # the name that type checkers know, without importing typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

COMMAND, SCRIPT = "retry-plus", "dbt-retry-plus"
DBT_CLI_MODULE = "dbt.cli.main"
DISABLE_VARIABLE = "DBT_RETRY_PLUS_DISABLE"
FAST_VARIABLE = "DBT_RETRY_PLUS_FAST"
FALSE_WORDS = frozenset({"", "0", "f", "false", "n", "no", "off"})


class DbtCliFinder:
    """Meta-path finder that steps in for `dbt.cli.main` and lets every other import pass.

    It stays on `sys.meta_path` after that import, so that a reload of dbt's command line is seen too.
    """

    __slots__ = ()

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return the spec of dbt's command line, prepared to add our commands, or None."""
        if fullname != DBT_CLI_MODULE:
            return None
        try:
            from dbt_retry_plus.startup.loader import find_registering_spec

            return find_registering_spec(self, path, target)
        except Exception:
            return None  # the finders behind this one find dbt, as if we were not there


def is_disabled() -> bool:
    """Tell whether DBT_RETRY_PLUS_DISABLE turns us off: set, and not to a word for false."""
    return os.environ.get(DISABLE_VARIABLE, "").strip().lower() not in FALSE_WORDS


def install() -> None:
    """Have dbt's command line offer our commands, now if it is imported already, else when it will be.

    Calling it again changes nothing: a `.pth` file runs twice in some virtual environments.
    """
    if is_disabled():
        return
    # By name, since a purge of sys.modules may have left a finder of an older copy of this class.
    if not any(type(finder).__qualname__ == DbtCliFinder.__qualname__ for finder in sys.meta_path):
        sys.meta_path.insert(0, DbtCliFinder())
    imported = sys.modules.get(DBT_CLI_MODULE)
    if imported is not None:
        from dbt_retry_plus.startup.registration import register

        register(imported)
