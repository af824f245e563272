"""What dbt calls its commands.

Every command of dbt that loads a project imports this to learn whether it is recorded, so it imports little.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BUILD, DOCS_GENERATE, RUN_OPERATION = "build", "generate", "run-operation"
"""dbt's `which` of commands that are a matter of their own."""


UPSTREAM_RETRY = "retry"
"""dbt's `which` of `dbt retry`, until it says which command it retries."""


COMMAND_NAMES: Mapping[str, str] = MappingProxyType({DOCS_GENERATE: "docs generate", "freshness": "source freshness"})
"""dbt's `which` to what a person types, where the two differ."""


COMMANDS_THAT_BUILD = frozenset({BUILD, "run", "seed", "snapshot"})
"""dbt's `which` of the commands that change data."""


COMMANDS_THAT_BUILD_OR_TEST = COMMANDS_THAT_BUILD | {"test"}
"""dbt's `which` of the commands that do with a node what it is there for, and run the project's hooks around that."""


COMMANDS_WITH_HOOK_NODES = frozenset({"compile", DOCS_GENERATE})
"""dbt's `which` of the commands that compile hooks as they compile models, and run none."""


RETRYABLE_COMMANDS = frozenset(
    {*COMMANDS_THAT_BUILD_OR_TEST, *COMMANDS_WITH_HOOK_NODES, "clone", "freshness", RUN_OPERATION}
)
"""dbt's `which` of every command that executes nodes."""


RECORDED_COMMANDS = RETRYABLE_COMMANDS | {UPSTREAM_RETRY}
"""dbt's `which` of the commands that are recorded; `dbt retry-plus` begins its record itself."""
