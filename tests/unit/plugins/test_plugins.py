"""Loading plugins from everywhere, and what becomes of those that are broken."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.hook_kinds import KIND_OF_HOOK
from dbt_retry_plus.plugin_manager import Plugins, load_plugins
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.types import Finding
from dbt_retry_plus.words import Severity

HEAD = "from dbt_retry_plus.hookspecs import hookimpl\nfrom dbt_retry_plus.types import Finding\n"
HEAD += "from dbt_retry_plus.words import Severity\n"
CHECK = """
@hookimpl
def retry_plus_check_record(retry):
    yield Finding(Severity.ERROR, "no", "Not now.", "Later.")
"""
OBSERVER = """
@hookimpl
def retry_plus_before_execution(retry):
    raise OSError("no network")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(site: Path, name: str, source: str, *, version: str = "1.0", point: str | None = None) -> None:
    module = name.replace("-", "_") + "_plugin"
    (site / f"{module}.py").write_text(HEAD + textwrap.dedent(source))
    metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (metadata / "entry_points.txt").write_text(f"[dbt_retry_plus]\n{point or name} = {module}\n")


def load(
    root: Path | None = None, wanted: tuple[str, ...] = (), unwanted: tuple[str, ...] = (), **settings: Any
) -> Plugins:
    return load_plugins(Settings(**settings), root, wanted, unwanted)


def others(plugins: Plugins) -> list[tuple[str, tuple[str, ...], bool, str | None]]:
    return [(i.title, i.hooks, i.disabled, i.problem) for i in plugins.infos if i.origin != "built-in"]


def problems(plugins: Plugins) -> list[tuple[Severity, str]]:
    return [(finding.severity, finding.message) for finding in plugins.problems()]


def test_our_own_plugins_come_through_the_same_door_and_what_is_general_speaks_first() -> None:
    infos = load().infos
    assert [info.name for info in infos] == [
        *(f"checks.{name}" for name in ("record", "place", "plan", "relations")),
        "classifiers.generic",
        *(f"classifiers.{name}" for name in ("postgres", "duckdb", "snowflake", "bigquery", "databricks", "trino")),
        *(f"reporting.{name}" for name in ("text", "json", "junit", "markdown", "html")),
        "ledger.fsspec_store",
    ]
    assert all(info.origin == "built-in" and info.hooks and not info.problem for info in infos)


def test_an_installed_plugin_is_loaded_and_its_codes_carry_its_name(site: Path) -> None:
    install(site, "freeze", CHECK, version="2.1")
    plugins = load(unwanted=("checks.record", "checks.place"))
    assert others(plugins) == [("freeze (freeze 2.1)", ("retry_plus_check_record",), False, None)]
    found = plugins.validate("retry_plus_check_record", retry=None)
    assert found == [Finding(Severity.ERROR, "freeze/no", "Not now.", "Later.")]


def test_built_in_plugins_speak_first_and_the_projects_own_last(site: Path, tmp_path: Path) -> None:
    said: list[str] = []
    install(site, "b-plugin", OBSERVER)
    install(site, "a-plugin", OBSERVER)
    (tmp_path / "hooks.py").write_text(HEAD + OBSERVER)
    plugins = load(tmp_path, hooks="hooks.py")
    said = [finding.message for finding in plugins.observe("retry_plus_before_execution", retry=None)]
    assert ["a-plugin" in said[0], "b-plugin" in said[1], "project" in said[2]] == [True, True, True]
    assert [info.name for info in plugins.infos][-3:] == ["a-plugin", "b-plugin", "project"]


def test_a_projects_file_is_run_only_when_settings_name_it(tmp_path: Path) -> None:
    (tmp_path / "retry_plus_hooks.py").write_text("raise SystemExit('it ran')")
    assert others(load(tmp_path)) == []
    (problem,) = problems(load(tmp_path, hooks="retry_plus_hooks.py"))
    assert "it ran" in problem[1]


def test_a_file_that_settings_name_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(RetryRefusedError, match=r"The setting 'hooks' names '.*hooks\.py', which is not there"):
        load(tmp_path, hooks="hooks.py")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise ImportError('no module of mine')", "ImportError: no module of mine"),
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named 'a_module_that_is_not_there'"),
        ("def f(:", "SyntaxError"),
        (
            "@hookimpl\ndef retry_plus_check_recrod(retry): ...",
            "there is no hook retry_plus_check_recrod. Did you mean",
        ),
        (
            "@hookimpl\ndef retry_plus_amend(retry, plan): ...",
            "Argument(s) {'plan'} are declared in the hookimpl but can",
        ),
        ("def retry_plus_amend(retry): ...", "retry_plus_amend is not marked with @hookimpl"),
        ("@hookimpl(wrapper=True)\ndef retry_plus_amend(retry):\n    return (yield)", "retry_plus_amend is a wrapper"),
    ],
)
def test_a_broken_plugin_is_named_with_its_distribution_and_left_out(site: Path, source: str, says: str) -> None:
    install(site, "broken", source, version="0.3")
    install(site, "sound", OBSERVER)
    plugins = load()
    ((_, message),) = problems(plugins)
    assert message.startswith("The plugin broken (broken 0.3) could not be loaded: ")
    assert says in message
    assert len(plugins.observe("retry_plus_before_execution", retry=None)) == 1  # the sound one
    assert plugins.contribute("retry_plus_amend", object, retry=None) == ([], [])


@pytest.mark.parametrize(
    ("source", "severity"),
    [
        (OBSERVER + "\nraise ImportError('x')", Severity.WARNING),
        (CHECK + "\nraise ImportError('x')", Severity.ERROR),
        ("from elsewhere import retry_plus_check_plan", Severity.ERROR),
        ("from elsewhere import *", Severity.ERROR),
        ("def f(:", Severity.ERROR),
    ],
)
def test_a_plugin_that_may_hold_a_check_and_cannot_load_is_an_error(
    site: Path, source: str, severity: Severity
) -> None:
    install(site, "broken", source)
    assert [found for found, _ in problems(load())] == [severity]


def test_in_strict_settings_each_broken_plugin_is_an_error(site: Path) -> None:
    install(site, "broken", "raise ImportError('x')")
    assert [found for found, _ in problems(load())] == [Severity.WARNING]
    assert [found for found, _ in problems(load(strict=True))] == [Severity.ERROR]


def test_two_plugins_of_one_name_are_both_listed(site: Path) -> None:
    install(site, "first", OBSERVER, point="same")
    install(site, "second", OBSERVER, point="same")
    assert {title for title, *_ in others(load())} == {"same (first 1.0)", "same#2 (second 1.0)"} or {
        title for title, *_ in others(load())
    } == {"same#2 (first 1.0)", "same (second 1.0)"}
    assert len(load().observe("retry_plus_before_execution", retry=None)) == 2


def test_plugins_are_left_out_and_brought_back_by_name(site: Path) -> None:
    install(site, "freeze", CHECK)
    assert others(load(unwanted=("freeze",)))[0][2] is True
    assert others(load(disable_plugins=("freeze",)))[0][2] is True
    assert others(load(disable_plugins=("freeze",), wanted=("freeze",)))[0][2] is False
    assert load(disable_plugins=("freeze",)).validate("retry_plus_check_plan", retry=None) is not None


def test_a_module_can_be_named_on_the_command_line(site: Path) -> None:
    (site / "mine.py").write_text(HEAD + OBSERVER)
    assert others(load(wanted=("mine",))) == [("mine", ("retry_plus_before_execution",), False, None)]
    ((severity, message),) = problems(load(wanted=("not_there_at_all",)))
    assert severity is Severity.ERROR
    assert "No module named 'not_there_at_all'" in message


def test_a_plugin_to_leave_out_must_exist() -> None:
    with pytest.raises(
        RetryRefusedError, match=r"There is no plugin 'check\.record' to leave out\. Did you mean 'check"
    ):
        load(unwanted=("check.record",))


def test_a_class_is_made_and_an_object_taken_as_it_is(site: Path) -> None:
    install(
        site,
        "classy",
        "class Plugin:\n    @hookimpl\n    def retry_plus_before_execution(self): raise OSError('class')",
    )
    entry = site / "classy-1.0.dist-info" / "entry_points.txt"
    entry.write_text("[dbt_retry_plus]\nclassy = classy_plugin:Plugin\n")
    (finding,) = load().observe("retry_plus_before_execution", retry=None)
    assert "OSError: class" in finding.message


def test_a_check_that_raises_is_an_error_and_the_others_go_on(site: Path) -> None:
    install(site, "sound", CHECK)
    install(site, "faulty", "@hookimpl\ndef retry_plus_check_record(retry):\n    raise KeyError('x')\n    yield")
    install(site, "wrong", "@hookimpl\ndef retry_plus_check_record():\n    return ['no finding']")
    plugins = load(unwanted=("checks.record", "checks.place"))
    found = {finding.code: finding for finding in plugins.validate("retry_plus_check_record", retry=None)}
    assert found.keys() == {"plugin-failed", "sound/no"}
    failed = [f.message for f in plugins.validate("retry_plus_check_record", retry=None) if f.code == "plugin-failed"]
    assert len(failed) == 2
    assert "The check retry_plus_check_record of the plugin faulty (faulty 1.0) failed: KeyError: 'x'." in failed
    assert any("it returned 'no finding', which is no Finding" in message for message in failed)
    assert all(f.severity is Severity.ERROR for f in found.values())


def test_a_contribution_that_raises_is_a_warning_and_left_out(site: Path) -> None:
    install(site, "sound", "@hookimpl\ndef retry_plus_compare(): return [3]")
    install(site, "faulty", "@hookimpl\ndef retry_plus_compare():\n    yield 4\n    raise OSError('x')")
    found, findings = load().contribute("retry_plus_compare", int, retry=None)
    assert found == [("sound", 3)]
    assert [(f.severity, f.code) for f in findings] == [(Severity.WARNING, "plugin-failed")]


def test_dbt_finds_its_own_kind_of_plugins_whatever_was_imported() -> None:
    import dbt_retry_plus

    assert importlib.util.find_spec("dbt_retry_plus.plugins") is None
    assert isinstance(dbt_retry_plus.plugins, list)


def test_every_hook_has_a_kind_and_is_documented() -> None:
    import inspect

    from dbt_retry_plus import hookspecs

    specified = {name: f for name, f in vars(hookspecs).items() if name.startswith("retry_plus_")}
    assert specified.keys() == KIND_OF_HOOK.keys()
    for name, function in specified.items():
        documented = inspect.getdoc(function) or ""
        assert f"({KIND_OF_HOOK[name].value})" in documented.splitlines()[0], name
        assert "Example:" in documented
        assert "Called once" in documented
        for argument in inspect.signature(function).parameters:
            assert f"    {argument}: " in documented, (name, argument)
