"""Which commit a project is at, without starting git."""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def commit_of(project_root: Path) -> str | None:
    """Read the commit that a folder's repository is at; None where there is none or it takes more to find out."""
    for folder in (project_root, *project_root.parents):
        marker = folder / ".git"
        try:
            if marker.is_dir():
                return _checked(_commit(marker))
            if marker.is_file():  # a worktree or a submodule
                return _checked(_commit(folder / marker.read_text().strip().removeprefix("gitdir: ")))
        except (OSError, ValueError):
            return None
    return None


def _checked(commit: str | None) -> str | None:
    return commit if commit and _COMMIT.fullmatch(commit) else None


def _commit(git_folder: Path) -> str | None:
    head = (git_folder / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    reference = head.removeprefix("ref: ")
    shared = git_folder / "commondir"
    common = git_folder / shared.read_text().strip() if shared.is_file() else git_folder
    loose = common / reference
    return loose.read_text().strip() if loose.is_file() else _packed(common / "packed-refs", reference)


def _packed(packed_references: Path, reference: str) -> str | None:
    for line in packed_references.read_text().splitlines():
        commit, _, name = line.partition(" ")
        if name == reference:
            return commit
    return None
