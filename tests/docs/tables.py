"""The tables of README that are made from the code: `python -m tests.docs.tables` prints them."""

from __future__ import annotations

from dbt_retry_plus.checks.codes import CODES
from dbt_retry_plus.planning.options import TREATMENT, Treatment, as_typed

# Names that nobody types: dbt's spellings of other options, and what it derives.
_NEVER_TYPED = ("deprecated_", "enable_legacy_logger", "output_path", "profiles_dir_exists_false", "version")


def options_table() -> str:
    """What a retry does with each of dbt's options."""
    rows = ["| dbt's options | on a retry |", "| --- | --- |"]
    for treatment in Treatment:
        names = [name for name, its in TREATMENT.items() if its is treatment and not _is_never_typed(name)]
        rows.append(f"| {', '.join(f'`{as_typed(name)}`' for name in sorted(names))} | {treatment.value} |")
    return "\n".join(rows)


def codes_table() -> str:
    """The codes of our findings."""
    rows = ["| code | by default | when |", "| --- | --- | --- |"]
    for name, code in CODES.items():
        severity = f"{code.severity.value}, `--force` passes it" if code.passable else code.severity.value
        rows.append(f"| `{name}` | {severity} | {code.meaning} |")
    return "\n".join(rows)


def _is_never_typed(name: str) -> bool:
    return name.startswith(_NEVER_TYPED[0]) or name in _NEVER_TYPED[1:]


if __name__ == "__main__":
    print(options_table(), codes_table(), sep="\n\n")
