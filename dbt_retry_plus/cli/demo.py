"""`dbt-retry-plus demo`: a build that fails, a repair, and the retry that finishes it, before your eyes."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import as_file, files
from pathlib import Path
from typing import NoReturn

import click

DEFAULT_FOLDER = "dbt-retry-plus-demo"
WAREHOUSE = "jaffle_shop.duckdb"
MODEL = Path("models", "staging", "stg_payments.sql")
CORRECT, MISSPELT = "    amount / 100", "    amout / 100"
MARTS = {"customers": 4, "orders": 5}

EXIT_FAILED_NODES, EXIT_COULD_NOT_RUN = 1, 2


@click.command(short_help="See a failed build being finished, on DuckDB, in a new folder.")
@click.argument("folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER)
def demo(folder: Path) -> None:
    """Copy a small jaffle shop into FOLDER, break a model, build, repair it, and finish with `dbt retry-plus`.

    FOLDER must not exist yet, or be empty. Without it, ./dbt-retry-plus-demo is taken.
    """
    dbt = _find_dbt()
    _copy_project(folder)
    _say(f"A small jaffle shop on DuckDB is in {folder}. One of its models has a misspelt column: {MODEL}")
    _change(folder / MODEL, CORRECT, MISSPELT)

    _say("So this build fails, and all that needs the model is skipped. You would type:", "dbt build")
    if _run(dbt, "build", folder) != EXIT_FAILED_NODES:
        _stop("The build was meant to fail and did not.")

    _say(f"Now the model is repaired in {MODEL}:")
    _print(_change(folder / MODEL, MISSPELT, CORRECT))

    _say("What had succeeded stays as it is; only what is left is run. You would type:", "dbt retry-plus")
    if _run(dbt, "retry-plus", folder) != 0:
        _stop("The retry was meant to succeed and did not.")

    _verify(folder / WAREHOUSE)
    _say(f"All is built and tested: {' and '.join(f'{rows} {name}' for name, rows in MARTS.items())}.")
    _print("The project stays as it is. Retry it once more, and there is nothing left to do:")
    _print(f"\n    {click.style(f'$ cd {shlex.quote(str(folder))} && {_as_typed(dbt)} retry-plus', bold=True)}\n")


def _find_dbt() -> str:
    try:
        version("dbt-duckdb")
    except PackageNotFoundError:
        _stop("The demo needs DuckDB. Install it with: pip install 'dbt-retry-plus[duckdb]'")
    beside = Path(sys.executable).with_name("dbt")
    found = str(beside) if beside.exists() else shutil.which("dbt")
    if found is None:
        _stop(f"There is no dbt beside {sys.executable} nor on the PATH. Install it with: pip install dbt-core")
    return found


def _as_typed(dbt: str) -> str:
    # Without an activated environment `dbt` alone is another one, or none.
    return "dbt" if shutil.which("dbt") == dbt else shlex.quote(dbt)


def _copy_project(folder: Path) -> None:
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            _stop(f"{folder} is there already and is not an empty folder. Name another: dbt-retry-plus demo FOLDER")
        with as_file(files("dbt_retry_plus.demo") / "jaffle_shop") as project:
            shutil.copytree(project, folder, dirs_exist_ok=True)
    except OSError as error:
        _stop(f"Cannot write the demo to {folder}: {error.strerror}. Name another: dbt-retry-plus demo FOLDER")


def _change(file: Path, old: str, new: str) -> str:
    before = file.read_text(encoding="utf-8")
    after = before.replace(old, new)
    file.write_text(after, encoding="utf-8")
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), fromfile=f"{file.name} (broken)", tofile=file.name, lineterm="", n=1
    )
    return "\n".join(lines)


def _run(dbt: str, command: str, folder: Path) -> int:
    # A person's own dbt settings would send dbt to another project, profile or target.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    environment |= {"DBT_PROFILES_DIR": ".", "DBT_PROJECT_DIR": ".", "DBT_USE_COLORS": str(_wants_colors())}
    return subprocess.run([dbt, command], cwd=folder, env=environment, check=False).returncode


def _verify(warehouse: Path) -> None:
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for name, expected in MARTS.items():
            row = connection.execute(f'select count(*) from "{name}"').fetchone()  # noqa: S608 - our own names
            if row != (expected,):
                _stop(f"The table {name} was meant to hold {expected} rows and does not.", EXIT_FAILED_NODES)


def _say(text: str, command: str | None = None) -> None:
    _print(f"\n{click.style('==>', fg='cyan', bold=True)} {text}")
    if command is not None:
        _print(f"\n    {click.style(f'$ {command}', bold=True)}\n")


def _print(text: str) -> None:
    click.echo(text, color=_wants_colors())


def _wants_colors() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _stop(text: str, exit_code: int = EXIT_COULD_NOT_RUN) -> NoReturn:
    click.echo(text, err=True)
    raise SystemExit(exit_code)
