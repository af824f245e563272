"""docs/airflow.md names what there is: arguments with their defaults, keys, params. None of it takes Airflow."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import yaml

import dbt_retry_plus.airflow
from dbt_retry_plus.airflow.command import read_command
from dbt_retry_plus.airflow.outcome import Outcome
from dbt_retry_plus.airflow.task import FROM, Resume
from dbt_retry_plus.words import GRACE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")
OPERATOR = (Path(dbt_retry_plus.airflow.__file__).parent / "operator.py").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def arguments() -> dict[str, object]:
    """The arguments of the operator, with their defaults."""
    tree = ast.parse(OPERATOR)
    (init,) = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    names = [argument.arg for argument in init.args.kwonlyargs]
    defaults = [ast.literal_eval(node) if node else None for node in init.args.kw_defaults]
    return dict(zip(names, defaults, strict=True))


def test_each_argument_is_documented_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`(\w+)`)? ?\|", section("Arguments"), flags=re.MULTILINE)
    known = arguments()
    assert [name for name, _ in rows] == list(known)
    for name, default in rows:
        assert str(known[name] or "") == default or (name, default) == ("install_packages", "False"), name


def test_each_key_of_the_xcom_is_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section("What a task tells"), flags=re.MULTILINE)
    assert rows == list(Outcome(0).document)


def test_what_is_named_is_there() -> None:
    assert FROM in PAGE
    assert f"killed {GRACE:.0f} seconds later" in PAGE
    assert all(f"`{wish.value}`" in section("Arguments") for wish in Resume)
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert "://" in link or (ROOT / "docs" / link).exists(), link
    assert (ROOT / "integration_projects" / "airflow" / "dags" / "nightly_dbt.py").is_file()


def test_the_example_is_python_with_commands_that_are_taken() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    tree = ast.parse(example)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = {word.arg: word.value for call in calls for word in call.keywords if word.arg}
    assert read_command(ast.literal_eval(given["command"])).words[0] == "build"
    operator = {"task_id", "retries", "retry_delay", "execution_timeout"} | arguments().keys()
    (own,) = (call for call in calls if getattr(call.func, "id", "") == "DbtRetryPlusOperator")
    assert {word.arg for word in own.keywords} <= operator
    for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE):
        assert yaml.safe_load(text)["ledger"].startswith("s3://")
