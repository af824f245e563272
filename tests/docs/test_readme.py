"""README says what is so: links, commands, options and the transcript of the demo."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def test_relative_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)", README):
        if "://" not in link:
            assert (ROOT / link).exists(), link


def test_files_that_are_named_exist() -> None:
    named = re.findall(r"`((?:tests|integration_projects|dbt_retry_plus)/[\w./-]+)`", README)
    assert named
    for path in named:
        assert (ROOT / path).exists(), path


def test_ci_runs_the_test_command() -> None:
    command = next(block.strip() for block in fenced("console") if "tox run" in block)
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_startup_file_is_shown_whole() -> None:
    source = (ROOT / "dbt_retry_plus" / "startup" / "dbt_retry_plus.pth").read_text(encoding="utf-8")
    code = [line for line in source.splitlines() if line and not line.startswith("#")]
    assert next(block for block in fenced("text") if "exec(" in block).splitlines() == code


def test_each_difference_has_a_test() -> None:
    table = README.split("## How it differs from `dbt retry`", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)
    assert len(rows) > 10
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    assert [row for row in rows if f"def test_row_{row}_" not in tests] == []


def test_options_of_the_table_exist() -> None:
    from dbt.cli.main import build, retry

    from dbt_retry_plus.cli.retry_plus import retry_plus

    known = {
        option
        for command in (retry_plus, build)
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    table = README.split("### Options", 1)[1].split("| dbt's options |", 1)[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = re.findall(r"`(--[\w-]+)`", " ".join(cells))
    assert len(named) > 10
    assert set(named) <= known
    upstream = {option for parameter in [*retry.params, *build.params] for option in parameter.opts}
    ours = {option for parameter in retry_plus.params for option in parameter.opts} - upstream
    assert {option for option in ours if option.startswith("--")} - {"--merge-results"} <= set(named)


def test_tables_are_those_of_the_code() -> None:
    from tests.docs.tables import codes_table, options_table

    again = "print them with `python -m tests.docs.tables` and put them in"
    assert options_table() in README, again
    assert codes_table() in README, again


def test_each_setting_is_documented_once_with_its_default() -> None:
    from dataclasses import fields

    from dbt_retry_plus.settings import Settings, read_settings

    table = README.split("### Settings", 1)[1].split("\n### ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\w+)`)? ?\| (?:`(.*?)`)? ?\|", table, flags=re.MULTILINE)
    assert [name for name, _, _ in rows] == [field.name for field in fields(Settings)]
    for name, variable, default in rows:
        assert variable in ("", f"DBT_RETRY_PLUS_{name.upper()}")
        if default:
            assert read_settings(Path("/nowhere"), {variable: default}) == Settings()
