"""What dbt checks configuration files against, made without the default of each field.

dbt makes a JSON schema of each of its classes. For a field's default, which no check looks at, a class is made that
turns it into text. A document that does not pass is left to dbt's own check, so that what dbt says of it is dbt's.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
from dbt_common.dataclass_schema import dbtClassMixin
from mashumaro.jsonschema import build_json_schema
from mashumaro.jsonschema import schema as schema_module

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced

_CHECK, _SCHEMA, _DEFAULT = "validate", "json_schema", "_default"


@contextmanager
def _without_defaults() -> Iterator[None]:
    dbts_own = vars(dbtClassMixin)[_CHECK]
    validators: dict[type, Any] = {}

    def validate(cls: type, data: Any) -> None:
        if cls not in validators:
            validators[cls] = _validator(cls)
        validator = validators[cls]
        if validator is None or next(validator.iter_errors(data), None) is not None:
            dbts_own.__func__(cls, data)

    with replaced(dbtClassMixin, _CHECK, classmethod(validate)):
        yield


def _validator(kind: type) -> Any:
    """Return what checks documents of a class; None where dbt has to."""
    if inspect.getattr_static(kind, _SCHEMA) is not vars(dbtClassMixin)[_SCHEMA]:
        return None
    try:
        with replaced(schema_module, _DEFAULT, lambda *_: MISSING):
            return jsonschema.Draft7Validator(build_json_schema(kind).to_dict())
    except Exception:  # of a class that needs its defaults, or that has no schema: dbt says so
        return None


SCHEMA_CHECKS = Piece(
    "schema_checks",
    _without_defaults,
    {
        f"dbt_common.dataclass_schema:dbtClassMixin.{_CHECK}": frozenset({"9b5451b4"}),
        # Of the class in it, Python 3.13 notes more names.
        "mashumaro.jsonschema.schema:_default": frozenset({"edf58504", "01b18547"}),
        "mashumaro.jsonschema.schema:on_dataclass": frozenset({"04176dab", "62944627", "5b4932ad"}),
        "mashumaro.jsonschema.schema:Instance.fields": frozenset({"9fd3823f", "06438d83"}),
    },
)
