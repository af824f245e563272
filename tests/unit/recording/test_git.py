from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dbt_retry_plus.recording.git import commit_of

IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | IDENTITY
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def head_of(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def test_a_branch(repository: Path) -> None:
    assert commit_of(repository) == head_of(repository)
    git(repository, "checkout", "-q", "-b", "feature/of-mine")
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    assert commit_of(repository) == head_of(repository)


def test_a_folder_inside(repository: Path) -> None:
    (repository / "dbt" / "shop").mkdir(parents=True)
    assert commit_of(repository / "dbt" / "shop") == head_of(repository)


def test_packed_references(repository: Path) -> None:
    git(repository, "tag", "-a", "v1", "-m", "a tag has a second line")
    git(repository, "branch", "main-2")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert commit_of(repository) == head_of(repository)


def test_a_detached_head(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert commit_of(repository) == head_of(repository)


@pytest.mark.parametrize("packed", [False, True])
def test_a_worktree(repository: Path, packed: bool) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", "../worktree")
    git(repository.parent / "worktree", "commit", "-q", "--allow-empty", "-m", "second")
    if packed:
        git(repository, "pack-refs", "--all")
    assert commit_of(repository.parent / "worktree") == head_of(repository.parent / "worktree")
    assert commit_of(repository.parent / "worktree") != commit_of(repository)


def test_a_submodule(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "--quiet", "add", str(repository), "inner")
    assert commit_of(outer / "inner") == head_of(repository)
    assert commit_of(outer) is None  # it has no commit yet


def test_no_repository(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert commit_of(tmp_path / "shop") is None


@pytest.mark.parametrize("name", [".git", ".git/HEAD"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"gitdir: nowhere", b"ref: refs/heads/gone", b"ref: ", b"\0"])
def test_a_broken_repository_has_no_commit(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert commit_of(tmp_path) is None


def test_what_is_no_commit_is_none(repository: Path) -> None:
    reference = repository / ".git" / "refs" / "heads" / "main"
    for content in ("", "ref: refs/heads/other\n", "z" * 40, "0123"):
        reference.write_text(content)
        assert commit_of(repository) is None


def test_a_reference_store_of_another_format(repository: Path) -> None:
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n")
    assert commit_of(repository) is None
