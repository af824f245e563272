"""Reading an invocation from dbt's own `run_results.json`."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dbt_retry_plus.commands import RETRYABLE_COMMANDS
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.types import Invocation, Outcome
from dbt_retry_plus.words import PROVEN_STATUSES, UNPROVEN_STATUSES

RUN_RESULTS = "run_results.json"
MANIFEST = "manifest.json"
_SECTIONS_WITH_NODES = ("nodes", "sources", "unit_tests", "exposures", "saved_queries", "functions")

# v4 to v6 carry the fields that a retry reads; dbt-core 1.8 to 1.12 write v6 and accept v4 and v5.
_SCHEMA_VERSION = re.compile(r"/run-results/v(\d+)\.json$")
_READABLE_VERSIONS = range(4, 7)

# dbt writes `metadata` first.
_IDENTITY = re.compile(rb'"invocation_id": ?"([0-9a-zA-Z-]+)"')
_SAFE_ID = re.compile(r"[0-9a-zA-Z-]+")
_METADATA_LENGTH = 1 << 14

_LONGEST_TEXT = 200

_RUN_AGAIN = "Run the original dbt command again, or name another folder with --state."


class UnreadableResultsError(RetryRefusedError):
    """`run_results.json` is not there, or not what dbt writes."""


class NotRetryableError(RetryRefusedError):
    """`run_results.json` was written by a command that executes no nodes."""


def read_run_results(folder: Path) -> Invocation:
    """Read the invocation that `run_results.json` in a folder describes.

    Args:
        folder: The target folder, or the folder that `--state` names.

    Raises:
        UnreadableResultsError: There is no such file, or it does not describe an invocation.
        NotRetryableError: Its command cannot be retried.
    """
    path = folder / RUN_RESULTS
    document = _load_document(folder, path)
    metadata = _section(document, "metadata", dict, path)
    arguments = _section(document, "args", dict, path)
    rows = _section(document, "results", list, path)
    _check_schema_version(metadata, path)
    return Invocation(
        invocation_id=_invocation_id(metadata, document),
        command=_command(arguments, path),
        arguments=arguments,
        outcomes=_outcomes(rows, path),
        source=str(path),
        started_at=parse_time(metadata.get("invocation_started_at") or metadata.get("generated_at")),
        dbt_version=metadata.get("dbt_version"),
    )


def identity_of(folder: Path, artifact: str = RUN_RESULTS) -> str | None:
    """Return the id of the invocation that wrote an artifact in a folder, without reading all of it."""
    try:
        with (folder / artifact).open("rb") as file:
            found = _IDENTITY.search(file.read(_METADATA_LENGTH))
    except OSError:
        return None
    return found.group(1).decode() if found else None


def nodes_of_manifest(folder: Path, invocation: Invocation) -> Callable[[], frozenset[str] | None]:
    """Keep the manifest that an unrecorded invocation ran from, before dbt writes the next one.

    Returns:
        What reads the unique_ids of its nodes: None where the manifest in the folder is another one's.
    """
    if invocation.recorded or identity_of(folder, MANIFEST) != invocation.invocation_id:
        return lambda: None
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError:
        return lambda: None
    return lambda: _manifest_nodes(content)


def _manifest_nodes(content: bytes) -> frozenset[str] | None:
    try:
        document = json.loads(content)
        return frozenset().union(*(document.get(section, {}) for section in _SECTIONS_WITH_NODES))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def outcome_from_row(row: Mapping[str, Any]) -> Outcome:
    """Turn a row of `run_results.json` into an outcome.

    Raises:
        KeyError: The row has no `unique_id` or no `status`.
        TypeError: A field has a value of another kind.
        ValueError: The execution time is not a number.
    """
    unique_id, status = row["unique_id"], row["status"]
    if not (isinstance(unique_id, str) and isinstance(status, str)):
        raise TypeError("unique_id and status are texts")
    return Outcome(
        unique_id=unique_id,
        status=status,
        message=row.get("message"),
        execution_time=_seconds(row.get("execution_time")),
        batch_results=_parts(row.get("batch_results")),
        overload_results=_parts(row.get("overload_results")),
        row=row,
    )


def text_or_none(value: object) -> str | None:
    """Return a text of a document that may hold anything; None where it is none."""
    return value if isinstance(value, str) else None


def parse_time(text: object) -> datetime | None:
    """Read a time as artifacts write it (UTC); anything else is None."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None


def _seconds(value: Any) -> float:
    try:
        return float(value or 0.0)
    except OverflowError as error:  # JSON has whole numbers of any length
        raise ValueError(value) from error


def _parts(parts: object) -> Mapping[str, Any] | None:
    """What became of the batches of a model, or of the overloads of a function."""
    if parts is None:
        return None
    if isinstance(parts, dict) and all(isinstance(parts.get(name, []), list) for name in ("successful", "failed")):
        return parts
    raise TypeError("batches and overloads are lists by their outcome")


def _load_document(folder: Path, path: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise UnreadableResultsError(
            f"There is no previous invocation to retry: the folder '{folder}' does not exist. {_RUN_AGAIN}"
        )
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UnreadableResultsError(
            f"Could not find a previous invocation to retry: there is no {RUN_RESULTS} in '{folder}'. {_RUN_AGAIN}"
        ) from None
    except OSError as error:
        raise UnreadableResultsError(f"Could not read '{path}': {error.strerror}. {_RUN_AGAIN}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableResultsError(f"'{path}' is not a JSON document ({_one_line(error)}). {_RUN_AGAIN}") from error
    if not isinstance(document, dict):
        raise UnreadableResultsError(f"'{path}' does not hold the results of a dbt command. {_RUN_AGAIN}")
    return document


def _section(document: Mapping[str, Any], name: str, kind: type, path: Path) -> Any:
    section = document.get(name)
    if not isinstance(section, kind):
        raise UnreadableResultsError(
            f"'{path}' does not hold the results of a dbt command: '{name}' is missing or of another kind. {_RUN_AGAIN}"
        )
    return section


def _check_schema_version(metadata: Mapping[str, Any], path: Path) -> None:
    schema = str(metadata.get("dbt_schema_version"))
    version = _SCHEMA_VERSION.search(schema)
    if version is None or int(version.group(1)) not in _READABLE_VERSIONS:
        raise UnreadableResultsError(
            f"'{path}' has the schema version {_one_line(schema)!r}, and this version of dbt-retry-plus "
            f"reads run-results v{_READABLE_VERSIONS.start} to v{_READABLE_VERSIONS.stop - 1}. {_RUN_AGAIN}"
        )


def _invocation_id(metadata: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The id that dbt gave it, which names a folder of the ledger; results without one go by what they hold."""
    written = metadata.get("invocation_id")
    if isinstance(written, str) and _SAFE_ID.fullmatch(written):
        return written
    return f"unknown-{zlib.crc32(json.dumps(document).encode()):08x}"


def _command(arguments: Mapping[str, Any], path: Path) -> str:
    command = arguments.get("which")
    if not isinstance(command, str):
        raise UnreadableResultsError(f"'{path}' does not say which dbt command wrote it (no args.which). {_RUN_AGAIN}")
    if command not in RETRYABLE_COMMANDS:
        raise NotRetryableError(
            f"'{path}' was written by the dbt command {_one_line(command)!r}, which cannot be retried. {_RUN_AGAIN}"
        )
    return command


def _outcomes(rows: list[Any], path: Path) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    for number, row in enumerate(rows, start=1):
        try:
            outcome = outcome_from_row(row)
            known = outcome.status in PROVEN_STATUSES or outcome.status in UNPROVEN_STATUSES
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UnreadableResultsError(
                f"Row {number} of the results in '{path}' is not the result of a node. {_RUN_AGAIN}"
            ) from None
        if not known:
            raise UnreadableResultsError(
                f"'{path}' gives {_one_line(outcome.unique_id)} the unknown status "
                f"{_one_line(outcome.status)!r}. {_RUN_AGAIN}"
            )
        outcomes[outcome.unique_id] = outcome
    return outcomes


def _one_line(value: object) -> str:
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
