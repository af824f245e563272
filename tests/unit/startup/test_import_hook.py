"""The import hook, each time in a fresh interpreter: what it adds, and that nothing else is different.

dbt's command line is imported here, never executed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dbt_retry_plus.startup import DISABLE_VARIABLE, is_disabled

CHECKOUT = Path(__file__).parents[3]
COMMAND_LINE = "import click\ncli = click.Group('dbt')\n"


def python(
    *code: str,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    before: str = "install()",
) -> str:
    """Run pieces of code in a fresh interpreter, after `before`, and return what they printed."""
    prologue = f"from dbt_retry_plus.startup import install\n{before}\n"
    inherited = {name: value for name, value in os.environ.items() if name != DISABLE_VARIABLE}
    result = subprocess.run(
        [sys.executable, *options, "-c", prologue + "".join(map(textwrap.dedent, code))],
        capture_output=True,
        text=True,
        env={**inherited, **(environment or {})},
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout.strip()


KNOWS_RETRY_PLUS = """
import click
from dbt.cli.main import cli
print("retry-plus" in cli.list_commands(click.Context(cli)))
"""


@pytest.fixture
def other_command_line(tmp_path: Path) -> Path:
    """A folder with another module of the watched name, to see the loading of it from everywhere."""
    package = tmp_path / "elsewhere" / "dbt" / "cli"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "main.py").write_text(COMMAND_LINE)
    (package.parent / "__init__.py").touch()
    return tmp_path / "elsewhere"


def test_the_command_line_of_dbt_offers_retry_plus() -> None:
    assert python(KNOWS_RETRY_PLUS) == "True"


def test_a_command_line_that_was_imported_before_is_reached_too() -> None:
    assert python(KNOWS_RETRY_PLUS, options=("-S",), before="", environment=search_path()) == "False"
    late = "import dbt.cli.main\ninstall()"
    assert python(KNOWS_RETRY_PLUS, options=("-S",), before=late, environment=search_path()) == "True"


def test_without_a_startup_file_nothing_is_offered_until_somebody_installs_the_hook() -> None:
    assert python(KNOWS_RETRY_PLUS, options=("-S",), before="install()", environment=search_path()) == "True"


def search_path() -> dict[str, str]:
    """What an interpreter without site needs to find what is installed."""
    folders = [path for path in sys.path if path.endswith("site-packages")]
    return {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), *folders])}


def test_the_module_looks_as_if_no_hook_had_been_there() -> None:
    printed = python("""
        import importlib.util, pickle, dbt.cli.main as module
        loader = type(module.__loader__).__name__
        print(loader, module.__spec__.loader is module.__loader__, module.__loader__.name)
        print(importlib.util.find_spec("dbt.cli.main") is module.__spec__)
        print(pickle.loads(pickle.dumps(module.dbtRunnerResult(success=True))).success)
        print(pickle.loads(pickle.dumps(module.__spec__)).name)
    """)
    assert printed.splitlines() == ["SourceFileLoader True dbt.cli.main", "True", "True", "dbt.cli.main"]


def test_the_spec_can_be_found_and_read_without_loading_the_module(other_command_line: Path) -> None:
    printed = python(f"""
        import copy, importlib.util, pickle, sys
        sys.path.insert(0, {str(other_command_line)!r})
        spec = importlib.util.find_spec("dbt.cli.main")
        print(spec.name, spec.origin == spec.loader.path, spec.has_location, "dbt.cli.main" in sys.modules)
        print("click.Group" in spec.loader.get_source("dbt.cli.main"), spec.loader.is_package("dbt.cli.main"))
        print(copy.copy(spec.loader).path == spec.origin)
        print(pickle.loads(pickle.dumps(spec)).loader.path == spec.origin)
        print(importlib.util.find_spec("dbt.cli.no_such_module"))
    """)
    assert printed.splitlines() == ["dbt.cli.main True True False", "True False", "True", "True", "None"]


def test_a_reload_registers_with_the_new_group() -> None:
    printed = python("""
        import click, importlib, dbt.cli.main as module
        first = module.cli
        importlib.reload(module)
        print(module.cli is first, "retry-plus" in module.cli.list_commands(click.Context(module.cli)))
        print(type(module.__loader__).__name__)
    """)
    assert printed.splitlines() == ["False True", "SourceFileLoader"]


def test_installing_twice_leaves_one_finder() -> None:
    printed = python("""
        import importlib, sys, dbt_retry_plus.startup as startup
        install()
        importlib.reload(startup).install()
        print(sum(type(finder).__qualname__ == "DbtCliFinder" for finder in sys.meta_path))
    """)
    assert printed == "1"


def test_two_hooks_of_two_copies_of_the_package_do_not_get_in_each_others_way() -> None:
    printed = python(
        """
        import sys
        from dbt_retry_plus.startup import DbtCliFinder
        sys.meta_path.insert(0, DbtCliFinder())
        """,
        KNOWS_RETRY_PLUS,
        "print(type(sys.modules['dbt.cli.main'].__loader__).__name__)",
    )
    assert printed.splitlines() == ["True", "SourceFileLoader"]


def test_a_hook_in_front_that_asks_everybody_is_answered() -> None:
    printed = python(
        """
        import importlib.machinery, importlib.util, sys

        class Curious:
            busy = False
            def find_spec(self, fullname, path=None, target=None):
                if self.busy or not fullname.startswith("dbt.cli"):
                    return None
                self.busy = True
                try:
                    return importlib.util.find_spec(fullname)
                finally:
                    self.busy = False

        sys.meta_path.insert(0, Curious())
    """,
        KNOWS_RETRY_PLUS,
    )
    assert printed == "True"


OUR_FINDER = """
import sys
place = [type(finder).__qualname__ for finder in sys.meta_path].index("DbtCliFinder")
ours = sys.meta_path[place]
"""


def test_a_finder_that_cannot_find_specs_is_passed_over(other_command_line: Path) -> None:
    printed = python(
        OUR_FINDER,
        f"""
        import dbt_retry_plus.startup.loader
        sys.meta_path.insert(place + 1, object())
        print(ours.find_spec("dbt.cli.main", [{str(other_command_line / "dbt" / "cli")!r}]).name)
        """,
    )
    assert printed == "dbt.cli.main"


def test_a_finder_that_is_not_installed_finds_nothing() -> None:
    printed = python("""
        from dbt_retry_plus.startup import DbtCliFinder
        print(DbtCliFinder().find_spec("dbt.cli.main"))
    """)
    assert printed == "None"


def test_a_loader_that_does_not_execute_modules_is_left_alone() -> None:
    printed = python(
        OUR_FINDER,
        """
        from importlib.machinery import ModuleSpec

        class Finder:
            def find_spec(self, fullname, path=None, target=None):
                if fullname == "dbt.cli.main":
                    return ModuleSpec(fullname, "a loader of another kind")

        sys.meta_path.insert(place + 1, Finder())
        print(ours.find_spec("dbt.cli.main").loader)
        """,
    )
    assert printed == "a loader of another kind"


def test_dbt_stays_importable_when_the_rest_of_the_package_is_gone() -> None:
    printed = python(
        """
        import sys
        sys.modules["dbt_retry_plus.startup.loader"] = None  # its import fails
    """,
        KNOWS_RETRY_PLUS,
    )
    assert printed == "False"


def test_a_command_line_in_a_zip_file_is_reached(other_command_line: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", other_command_line)
    printed = python(
        f"import sys; sys.path.insert(0, {archive!r})\n",
        KNOWS_RETRY_PLUS,
        "module = sys.modules['dbt.cli.main']\n",
        "print(type(module.__loader__).__name__, module.__file__.endswith('zipped.zip/dbt/cli/main.py'))",
    )
    assert printed.splitlines() == ["True", "zipimporter True"]


def test_a_lazily_loaded_command_line_is_reached(other_command_line: Path) -> None:
    printed = python(
        f"""
        import importlib.util, sys
        sys.path.insert(0, {str(other_command_line)!r})
        spec = importlib.util.find_spec("dbt.cli.main")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules["dbt.cli.main"] = module
        spec.loader.exec_module(module)
        """,
        KNOWS_RETRY_PLUS,
    )
    assert printed == "True"


def test_an_error_in_the_command_line_itself_is_passed_on(other_command_line: Path) -> None:
    (other_command_line / "dbt" / "cli" / "main.py").write_text("raise RuntimeError('of its own')")
    printed = python(f"""
        import sys
        sys.path.insert(0, {str(other_command_line)!r})
        try:
            import dbt.cli.main
        except RuntimeError as error:
            print(error, "dbt.cli.main" in sys.modules)
    """)
    assert printed == "of its own False"


@pytest.mark.parametrize("option", ["-I", "-E", "-s", "-O", "-Werror"])
def test_the_options_of_the_interpreter_make_no_difference(option: str) -> None:
    assert python(OUR_FINDER, "print(type(ours).__qualname__)", options=(option,)) == "DbtCliFinder"


@pytest.mark.parametrize(
    ("value", "disabled"),
    [
        *((value, True) for value in ("1", "true", "yes", "on", "y", "t", "2", "anything", " 1 ")),
        *((value, False) for value in ("", "0", "false", "FALSE", "no", "off", "n", "f", " 0 ", " ")),
    ],
)
def test_the_disable_variable_is_read_as_documented(
    value: str, disabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DISABLE_VARIABLE, value)
    assert is_disabled() is disabled


def test_an_unset_disable_variable_disables_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    assert not is_disabled()


def test_disabled_the_hook_is_not_even_there() -> None:
    code = "import sys; print([type(finder).__qualname__ for finder in sys.meta_path])"
    assert "DbtCliFinder" in python(code)
    assert "DbtCliFinder" not in python(code, environment={DISABLE_VARIABLE: "1"})
