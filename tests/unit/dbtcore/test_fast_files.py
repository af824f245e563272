"""The files that another process finds and reads are those that dbt finds, with what dbt reads in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from dbt.parser import read_files, search
from dbt.parser.manifest import ManifestLoader
from dbt.parser.read_files import ReadFilesFromFileSystem

from dbt_retry_plus.dbtcore.fast import source_files
from dbt_retry_plus.dbtcore.fast.file_reader import found_in
from dbt_retry_plus.dbtcore.fast.source_files import SOURCE_FILES
from tests.benchmarks.layered_project import Shape, write_project

pytestmark = [
    pytest.mark.every_minor,
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning"),  # dbt's
]

SQL = (".sql",)
Found = tuple[dict[str, Any], dict[str, Any]]
UNUSUAL = {
    "models/deep er/Ünusual_näme.sql": "select 'ü' as id\n",
    "models/UPPER.SQL": "select 1 as id",
    "models/blank.sql": "  \n\t\n",
    "models/.hidden.sql": "{{ no_sql() }}",
    "models/#edited.sql": "{{ no_sql() }}",
    "models/readme.txt": "no model",
    "models/ignored/m_ignored.sql": "{{ no_sql() }}",
    "models/large.sql": f"select '{'x' * 1_100_000}' as id",
    "models/docs.md": "{% docs said %}What is said.{% enddocs %}\n",
    "analyses/a.sql": "select 1",
    "tests/fixtures/rows.csv": "id\n1\n",
    "tests/generic/positive.sql": "{% test positive(model, column_name) %}select 1 where false{% endtest %}",
    "tests/singular.sql": "select 1 as id where false",
    ".dbtignore": "ignored/\n**/m_ignored.sql\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that was parsed once, and counts as large."""
    folder = tmp_path / "layered"
    write_project(folder, Shape(20), threads=1)
    for name, text in UNUSUAL.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.sql").write_text("select 1 as id")
    (folder / "models" / "linked.sql").symlink_to(tmp_path / "elsewhere" / "linked.sql")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DBT_PROFILES_DIR", str(folder))
    monkeypatch.setattr(source_files, "_WORTHWHILE", 0)
    assert parsed().success
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Found]]:
    """What dbt has read, each time."""
    all_of_it: list[Found] = []
    dbts_own = vars(ReadFilesFromFileSystem)["read_files"]

    def noted(reader: ReadFilesFromFileSystem) -> None:
        dbts_own(reader)
        all_of_it.append((dict(reader.files), dict(reader.project_parser_files)))

    monkeypatch.setattr(ReadFilesFromFileSystem, "read_files", noted)
    return all_of_it


def parsed() -> Any:
    return dbtRunner().invoke(["--quiet", "--log-level-file", "none", "parse"])  # which would leave its log open


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    calls: list[Any] = []
    dbts_own: Callable[..., Any] = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *arguments: (calls.append(arguments[0]), dbts_own(*arguments))[1])
    return calls


def test_the_files_are_those_that_dbt_finds(project: Path, read: list[Found], monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed().success
    searches, readings = (
        counted(monkeypatch, search, "find_matching"),
        counted(monkeypatch, read_files, "load_file_contents"),
    )
    with SOURCE_FILES.enter():
        assert parsed().success
    (upstream, upstream_names), (ours, our_names) = read
    assert ours == upstream and list(ours) == list(upstream)
    assert our_names == upstream_names
    assert "layered://models/linked.sql" in ours and not any("ignored" in name for name in ours)
    assert not searches
    assert {Path(path).suffix for path in readings} <= {".yml", ".csv", ".sql"}
    assert [path for path in readings if path.endswith(".sql")] == [str(project / "models" / "large.sql")]


def test_a_change_is_seen(project: Path, read: list[Found]) -> None:
    (project / "models" / "UPPER.SQL").write_text("select 2 as id")
    (project / "models" / "new.sql").write_text("select 3 as id")
    (project / "models" / "blank.sql").unlink()
    with SOURCE_FILES.enter():
        result = parsed()
    assert result.success
    assert result.result.nodes["model.layered.UPPER"].raw_code == "select 2 as id"
    assert "model.layered.new" in result.result.nodes and "layered://models/blank.sql" not in read[0][0]


@pytest.mark.parametrize("reader", ["no Python", "import sys; sys.exit(3)", "print('nothing')", None])
def test_dbt_reads_itself_where_the_process_comes_to_nothing(
    project: Path, read: list[Found], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str | None
) -> None:
    assert parsed().success
    if reader is None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    else:
        (tmp_path / "reader.py").write_text(reader)
        monkeypatch.setattr(source_files, "_READER", tmp_path / "reader.py")
    with SOURCE_FILES.enter():
        assert parsed().success
    assert read[0] == read[1]


def test_no_process_outlives_the_loading(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> Any:
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)

    def fail(loader: ManifestLoader) -> None:
        raise KeyboardInterrupt

    with SOURCE_FILES.enter():
        assert parsed().success
        assert [process.returncode for process in started] == [0]
        monkeypatch.setattr(ManifestLoader, "safe_update_project_parser_files_partially", fail)
        monkeypatch.setattr(ReadFilesFromFileSystem, "read_files", fail)
        assert not parsed().success
        assert [process.returncode for process in started] == [0, -9]


def test_a_small_project_starts_no_process(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "_WORTHWHILE", 1 << 40)
    started = counted(monkeypatch, source_files, "_Reading")
    with SOURCE_FILES.enter():
        assert parsed().success
    assert not started


def test_a_folder_with_a_file_that_cannot_be_looked_at_is_left_to_dbt(tmp_path: Path) -> None:
    for name in ("models", "macros"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.sql").write_text(" select 1\n")
    (tmp_path / "models" / "dangling.sql").symlink_to(tmp_path / "gone")
    (tmp_path / "macros" / "latin.sql").write_bytes(b"select '\xe9'")
    root = str(tmp_path)
    files, texts = found_in([(root, "models", SQL), (root, "macros", SQL), (root, "none", SQL)])
    assert (root, "models") not in files and files[root, "none"] == []
    assert {name for name, *_ in files[root, "macros"]} == {"m.sql", "latin.sql"}
    assert texts[str(tmp_path / "macros" / "m.sql")] == "select 1"
    assert str(tmp_path / "macros" / "latin.sql") not in texts


def test_what_dbt_does_not_read_is_not_read(tmp_path: Path) -> None:
    """To read a pipe would be to wait for ever."""
    os.mkfifo(tmp_path / "pipe.sql")
    (tmp_path / "code.py").write_text("x = 1")
    files, texts = found_in([(str(tmp_path), "", SQL)])
    assert {name for name, *_ in files[str(tmp_path), ""]} == {"pipe.sql", "code.py"} and texts == {}


def test_a_path_is_put_together_as_dbt_does(tmp_path: Path) -> None:
    for place in ("project/models/deep", "shared", "data/shared", "data/project"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "m.sql").write_text(place)
    (tmp_path / "linked").symlink_to(tmp_path / "data" / "project")
    root = f"{tmp_path}{os.sep}shared{os.sep}..{os.sep}project"
    folders = ["models/", "../shared", "models/deep"]
    files, texts = found_in([(root, below, SQL) for below in folders])
    _, through_a_link = found_in([(str(tmp_path / "linked"), "../shared", SQL)])
    for path, text in {**texts, **through_a_link}.items():
        assert read_files.load_file_contents(path) == text
    assert set(texts) == {str(tmp_path / place / "m.sql") for place in ("project/models/deep", "shared")}
    assert set(through_a_link) == {str(tmp_path / "shared" / "m.sql")}  # by its name, as dbt opens it
    expected = {below: search.find_matching(root, [below], "[!.#~]*.sql") for below in folders}
    found = {
        below: [
            {"searched_path": below, "absolute_path": path, "relative_path": relative, "modification_time": time}
            for _, path, relative, time in files[root, below]
        ]
        for below in folders
    }
    assert found == expected and all(expected.values())


def test_a_program_that_calls_dbt_starts_no_process() -> None:
    assert not SOURCE_FILES.fits()
