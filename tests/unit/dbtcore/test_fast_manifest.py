"""`manifest.json` from the compiled encoder is read as dbt's own, and from Python's where the other could not say it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from dbt_retry_plus.dbtcore.fast.json_text import JsonText
from dbt_retry_plus.dbtcore.fast.manifest_once import MANIFEST_ONCE
from dbt_retry_plus.dbtcore.fast.piece import Piece
from dbt_retry_plus.dbtcore.fast.stored_manifest import STORED_MANIFEST

pytestmark = [pytest.mark.every_minor]

OF_AN_INVOCATION = ("generated_at", "invocation_id", "invocation_started_at", "run_started_at")
PLAIN, NOT_FINITE, NOT_ASCII = "model.p.plain", "model.p.not_finite", "model.p.not_ascii"
FILES = {
    "dbt_project.yml": "{name: p, profile: p, model-paths: [models]}",
    "profiles.yml": "p: {target: t, outputs: {t: {type: duckdb, path: ':memory:'}}}",
    "models/plain.sql": "select 1.5 as id",
    "models/not_finite.sql": "select 1 as id",
    "models/not_ascii.sql": "select 1 as id",
    "models/models.yml": """
models:
  - name: plain
    description: "What is \\x7f plain."
    config: {meta: {since: 2026-01-02, at: 2026-01-02T03:04:05.000006+02:00, large: 1.0e+22, zero: -0.0, most: 18446744073709551615}}
  - {name: not_finite, config: {meta: {numbers: [.nan, .inf, -.inf]}}}
  - {name: not_ascii, description: "Größe"}
""",
}


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The nodes that the compiled encoder was given."""
    names: list[str] = []
    finite = JsonText.finite

    def noted(self: JsonText, document: Any) -> bytes:
        names.extend(document)
        return finite(self, document)

    monkeypatch.setattr(JsonText, "finite", noted)
    return names


def manifest_with(*pieces: Piece) -> dict[str, Any]:
    with ExitStack() as stack:
        for piece in pieces:
            stack.enter_context(piece.enter())
        result = dbtRunner().invoke(["--quiet", "--log-level-file", "none", "parse"])
    assert result.success, result.exception
    manifest: dict[str, Any] = json.loads(Path("target", "manifest.json").read_bytes())
    for name in OF_AN_INVOCATION:
        manifest["metadata"].pop(name, None)
    return manifest


@pytest.mark.parametrize(
    "pieces", [(STORED_MANIFEST, MANIFEST_ONCE), (MANIFEST_ONCE,)], ids=["both", "without_decoder"]
)
def test_the_manifest_is_read_as_dbts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoded: list[str], pieces: tuple[Piece, ...]
) -> None:
    (tmp_path / "models").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    manifest_with()
    expected = manifest_with()
    found = manifest_with(*pieces)
    assert json.dumps(found) == json.dumps(expected)
    assert "NaN" in json.dumps(found["nodes"][NOT_FINITE])
    of_nodes = {name for name in encoded if name in found["nodes"]}
    assert of_nodes == ({PLAIN, NOT_ASCII} if STORED_MANIFEST in pieces else set())
