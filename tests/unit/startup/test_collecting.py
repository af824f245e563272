"""Whether garbage is collected while dbt's command line is imported, each time in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dbt_retry_plus.startup import FAST_VARIABLE

TELLS = "import click, gc\nprint(gc.isenabled())\ncli = click.Group('dbt')\n{then}\n"
IMPORTS = """
import gc, sys
from dbt_retry_plus.startup import install
install()
sys.path.insert(0, sys.argv.pop(1))
{before}
try:
    import dbt.cli.main
except ValueError:
    print("failed")
print(gc.isenabled(), gc.get_freeze_count() == 0, gc.get_count()[0] < 10_000)
"""


def imported(tmp_path: Path, *arguments: str, before: str = "", then: str = "", **variables: str) -> list[str]:
    """Import a command line that tells whether garbage is collected, and tell the same after it."""
    package = tmp_path / "dbt" / "cli"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package.parent / "__init__.py").touch()
    (package / "main.py").write_text(TELLS.format(then=then))
    inherited = {name: value for name, value in os.environ.items() if name != FAST_VARIABLE}
    script = tmp_path / "bin" / "dbt"
    script.parent.mkdir()
    script.write_text(IMPORTS.format(before=before))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        env={**inherited, **variables},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_nothing_is_collected_for_our_own_command(tmp_path: Path) -> None:
    made = "kept = [[] for _ in range(100_000)]"
    assert imported(tmp_path, "--quiet", "retry-plus", then=made) == ["False", "True True True"]


def test_it_can_be_asked_for_by_its_name(tmp_path: Path) -> None:
    assert imported(tmp_path, "retry-plus", DBT_RETRY_PLUS_FAST="jinja_graph,garbage")[0] == "False"


def test_the_console_script_is_our_own_command_too(tmp_path: Path) -> None:
    assert imported(tmp_path, before="sys.argv = ['/usr/bin/dbt-retry-plus', '--dry-run']")[0] == "False"


@pytest.mark.parametrize(
    ("arguments", "before", "variables"),
    [
        (("build",), "", {}),
        ((), "", {}),
        ((), "del sys.argv", {}),
        (("retry-plus",), "del sys.argv", {}),
        (("retry-plus",), "sys.argv = []", {}),
        (("retry-plus",), "sys.argv[0] = '/usr/bin/program'", {}),
        (("ls", "--select", "retry-plus"), "", {}),
        (("--quiet", "build", "-s", "retry-plus"), "", {}),
        (("retry-plus",), "", {FAST_VARIABLE: "0"}),
        (("retry-plus",), "", {FAST_VARIABLE: "jinja_graph"}),
        (("retry-plus",), "", {FAST_VARIABLE: "no_such_piece"}),
    ],
)
def test_every_other_command_collects_as_it_did(
    tmp_path: Path, arguments: tuple[str, ...], before: str, variables: dict[str, str]
) -> None:
    assert imported(tmp_path, *arguments, before=before, **variables)[0] == "True"


def test_who_has_turned_collection_off_keeps_it_off(tmp_path: Path) -> None:
    told = imported(tmp_path, "retry-plus", before="gc.disable()")
    assert [line.split()[0] for line in told] == ["False", "False"]


def test_who_has_frozen_a_heap_keeps_it_frozen(tmp_path: Path) -> None:
    told = imported(tmp_path, "retry-plus", before="kept = [[] for _ in range(5_000)]; gc.freeze()")
    assert told[0] == "True" and told[1].split()[:2] == ["True", "False"]


def test_an_import_that_fails_leaves_collection_on(tmp_path: Path) -> None:
    told = imported(tmp_path, "retry-plus", then="raise ValueError")
    assert told[:2] == ["False", "failed"] and told[2].split()[0] == "True"


@pytest.mark.parametrize("metadata", [None, "", "Name: dbt-core\n"])
def test_a_dbt_that_does_not_tell_its_version_is_imported_as_it_is(tmp_path: Path, metadata: str | None) -> None:
    then = (
        "import dataclasses; print(dataclasses._create_fn.__module__ if sys.version_info < (3, 13) else 'dataclasses')"
    )
    if metadata is not None:
        (tmp_path / "dbt_core-1.11.0.dist-info").mkdir()
        (tmp_path / "dbt_core-1.11.0.dist-info" / "METADATA").write_text(metadata)
    hidden = "import importlib.metadata as m; m.distribution = None" if metadata is None else ""
    assert imported(tmp_path, "retry-plus", before=hidden, then="import sys; " + then)[:2] == ["False", "dataclasses"]


def test_every_command_of_dbts_own_is_known() -> None:
    from dbt.cli.main import cli

    from dbt_retry_plus.startup.importing import _COMMANDS_OF_DBT

    assert set(cli.commands) - {"retry-plus"} == _COMMANDS_OF_DBT
