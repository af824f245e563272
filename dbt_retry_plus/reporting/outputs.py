"""Which reports a retry writes, in which formats and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.files import write_atomically
from dbt_retry_plus.plugin_manager import Plugins
from dbt_retry_plus.setting_kinds import nearest
from dbt_retry_plus.types import Finding, ReportFormat, RetryReport
from dbt_retry_plus.words import Severity

GITHUB_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable in which GitHub Actions names the file of what a step wants to say."""

_TEXT, _MARKDOWN = "text", "markdown"
_FILE_NAME = "retry_plus_report"


@dataclass(frozen=True)
class ReportOutput:
    """One report that a retry writes.

    Attributes:
        format: How.
        path: Where; into dbt's log when None.
        appended: Whether the file has other things in it, which stay.
    """

    format: ReportFormat
    path: Path | None
    appended: bool = False


def report_formats(plugins: Plugins) -> tuple[Mapping[str, ReportFormat], list[Finding]]:
    """Ask the plugins for their formats.

    Args:
        plugins: The plugins.

    Returns:
        The formats by their names, and findings about plugins that failed, or gave a name that is taken.
    """
    offered, findings = plugins.contribute("retry_plus_report_formats", ReportFormat)
    formats: dict[str, ReportFormat] = {}
    for plugin, offer in offered:
        if offer.name in formats:
            message = f"The plugin {plugin} has a report format {offer.name!r}, which is taken, and is left out."
            findings.append(Finding(Severity.WARNING, "plugin-failed", message, "Give it another name."))
        else:
            formats[offer.name] = offer
    return formats, findings


def format_named(name: str, formats: Mapping[str, ReportFormat]) -> ReportFormat:
    """Return a format.

    Raises:
        RetryRefusedError: There is none of that name.
    """
    if name not in formats:
        raise RetryRefusedError(f"There is no report format {name!r}. {nearest(name, formats)}")
    return formats[name]


def wanted_output(text: str, formats: Mapping[str, ReportFormat], target_path: Path, folder: Path) -> ReportOutput:
    """Read one `--report FORMAT[:PATH]`.

    Args:
        text: What was given.
        formats: The formats that there are.
        target_path: Where a report goes whose path is not given.
        folder: What a relative path begins at.

    Raises:
        RetryRefusedError: There is no such format, or nothing can be written there.
    """
    name, _, given = text.partition(":")
    wanted = format_named(name, formats)
    if given:
        return ReportOutput(wanted, writable(folder / given))
    return ReportOutput(wanted, None if name == _TEXT else target_path / f"{_FILE_NAME}{wanted.suffix}")


def github_summary(formats: Mapping[str, ReportFormat], environment: Mapping[str, str]) -> tuple[ReportOutput, ...]:
    """Return the report that GitHub shows with a step, where one of its steps runs this."""
    file = environment.get(GITHUB_SUMMARY)
    return (ReportOutput(formats[_MARKDOWN], Path(file), appended=True),) if file and _MARKDOWN in formats else ()


def writable(path: Path) -> Path:
    """Return a path that a report can be written to, as far as can be told before there is one.

    Raises:
        RetryRefusedError: It is a folder, or in a folder that is not there.
    """
    if path.is_dir():
        raise RetryRefusedError(f"A report cannot be written to '{path}', which is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise RetryRefusedError(
            f"A report cannot be written to '{path}', since its folder is not there. Make it, or name another."
        )
    return path


def rendered(report: RetryReport, wanted: ReportFormat) -> str:
    """Render a report.

    Raises:
        TypeError: The format, which may be a plugin's, made something else than a text.
        Exception: Whatever the format raises.
    """
    document = wanted.render(report)
    if not isinstance(document, str):
        raise TypeError(f"the report format {wanted.name!r} returned a {type(document).__name__}, which is no text")
    return document


def write_report(document: str, path: Path, *, appended: bool = False) -> None:
    """Write a rendered report, with the permissions of any new file: it is there to be shown.

    Args:
        document: The rendered report.
        path: Where it goes.
        appended: Whether it goes to the end of what is there.

    Raises:
        OSError: It cannot be written.
    """
    data = document.encode("utf-8", "backslashreplace")
    if appended:
        with path.open("ab") as file:
            file.write(data)
    else:
        write_atomically(path, lambda file: file.write(data), owner_only=False)


def take_away(outputs: Iterable[ReportOutput]) -> None:
    """Remove the reports of an earlier retry: one that is green must not stand for this one, however it ends.

    Args:
        outputs: What this retry writes.

    Raises:
        RetryRefusedError: One of them cannot be removed, and so not be replaced either.
    """
    for output in outputs:
        if output.path is not None and not output.appended:
            try:
                output.path.unlink(missing_ok=True)
            except OSError as error:
                raise RetryRefusedError(
                    f"The report '{output.path}' cannot be replaced: {error.strerror}. Remove it, or name another file."
                ) from None
