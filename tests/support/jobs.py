"""The schema of runs of jobs."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema

from tests.support.reports import closed_schema


def validate(document: Any) -> None:
    """Check the document of a run, in which nothing may be that the schema does not name."""
    schema = json.loads(files("dbt_retry_plus.jobs").joinpath("job.schema.json").read_text())
    jsonschema.validate(document, closed_schema(schema), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
