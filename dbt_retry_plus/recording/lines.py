"""Lines of a journal, with the secrets of the environment struck out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from dbt_retry_plus.ledger.journal import encode, with_json_keys
from dbt_retry_plus.words import STRUCK_OUT, Fate

# dbt's own: what an environment variable or a var of this prefix holds appears in no log, and neither in a journal.
SCRUBBED = "DBT_ENV_SECRET"

# A password can be the name of the schema, or `true`: what a retry finds its nodes by stays as it is.
_NAMES = frozenset(
    {
        "at",
        "class",
        "command",
        "dbt_version",
        "event",
        "invocation_id",
        "job_step",
        "node",
        "nodes",
        "profile",
        "project",
        "retry_of",
        "schema",
        "started_at",
        "tag",
        "target",
        "warehouse_schema",
        "whole",
    }
)
_NAMES_INSIDE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "arguments": frozenset({"which"}),
        "row": frozenset({"status", "unique_id"}),
        "hooks": frozenset({"unique_id", "reason", "cause", "previous_status"}),
        "plan": frozenset({"left_out"}),
        "attempts": frozenset({"status", "started_at", "completed_at"}),
        "chain": frozenset({"invocation_id", "started_at"}),
        "counts": frozenset(fate.value for fate in Fate),
        "findings": frozenset({"severity", "code"}),
        "invocation": frozenset({"invocation_id", "started_at", "dbt_version", "project", "profile", "target"}),
        "nodes": frozenset(
            {
                "unique_id",
                "resource_type",
                "fate",
                "status",
                "previous_status",
                "reason",
                "cause",
                "parents",
                "compiled_path",
            }
        ),
        "previous": frozenset({"status"}),
    }
)
_GIVEN = frozenset({"args", "vars"})


class Lines:
    """Makes lines of entries."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Note the secrets of an environment."""
        self._values: set[str] = set()
        self._secrets: list[str] = []
        self._note(value for name, value in environment.items() if name.startswith(SCRUBBED))

    @property
    def secrets_known(self) -> bool:
        """Whether there is anything to strike out, in the environment or in what was seen so far."""
        return bool(self._secrets)

    def encode(self, entry: Mapping[str, Any]) -> str:
        """Turn an entry into a line without secrets."""
        line = self._line(entry)
        return encode(self._strike_inside(json.loads(line), _NAMES)) if self._secrets else line

    def without_secrets(self, document: Mapping[str, Any], kept: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Make of a document one of JSON's values alone, without secrets.

        Args:
            document: The document; secrets among its `vars` are noted first.
            kept: The fields that stay as they are; inside of others, what names nodes does.
        """
        plain: dict[str, Any] = json.loads(self._line(document))
        return self._strike_inside(plain, kept) if self._secrets else plain

    def text_without_secrets(self, text: str) -> str:
        """Strike out of a text the secrets that are known."""
        for secret in self._secrets:
            text = text.replace(secret, STRUCK_OUT)
        return text

    def _line(self, entry: Mapping[str, Any]) -> str:
        variables = (entry.get("arguments") or {}).get("vars")
        if isinstance(variables, Mapping):
            self._note(str(value) for name, value in variables.items() if str(name).startswith(SCRUBBED))
        try:
            return encode(entry, _as_json)
        except TypeError:
            return encode(with_json_keys(entry), _as_json)

    def _note(self, values: Iterable[str]) -> None:
        """Note secrets, as they are and as they stand in JSON or YAML that somebody typed."""
        self._values.update(value for value in values if value.strip())
        typed = {json.dumps(value, ensure_ascii=plain)[1:-1] for value in self._values for plain in (False, True)}
        quoted = {value.replace("'", "''") for value in self._values}
        self._secrets = sorted(self._values | typed | quoted, key=len, reverse=True)

    def _strike_inside(self, mapping: Mapping[str, Any], kept: frozenset[str], given: bool = False) -> dict[str, Any]:
        return {
            (self.text_without_secrets(name) if given else name): value
            if name in kept
            else self._strike(value, name, given)
            for name, value in mapping.items()
        }

    def _strike(self, value: Any, name: str, given: bool) -> Any:
        """Strike secrets out of a value; in what a user gave, a number or a name can be one."""
        given = given or name in _GIVEN
        if isinstance(value, dict):
            return self._strike_inside(value, _NAMES_INSIDE.get(name, frozenset()), given)
        if isinstance(value, list):
            return [self._strike(item, name, given) for item in value]
        if isinstance(value, str):
            return self.text_without_secrets(value)
        number = given and isinstance(value, (int, float)) and not isinstance(value, bool)
        return STRUCK_OUT if number and str(value) in self._values else value


def _as_json(value: Any) -> Any:
    """Give what is neither text, number nor list of an argument the form that dbt's artifacts give it."""
    to_dict = getattr(value, "to_dict", None)
    if callable(to_dict):
        return to_dict()
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else str(value)
