"""`dbt retry-plus`: retry what the previous invocation left unproven."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

import click

from dbt_retry_plus.cli.attempt_options import attempt_options
from dbt_retry_plus.cli.report_option import report_option
from dbt_retry_plus.cli.without_dbt import RetryPlusGroup
from dbt_retry_plus.dbtcore.parameters import (
    given_options,
    retry_parameters,
    selection_parameters,
    silenced_console,
    with_upstream_setup,
)
from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.words import Changed, RebuildTested

_OPTIONS: list[click.Parameter] = [
    click.Option(
        ["--invocation"],
        metavar="ID",
        help="Retry this invocation, or the one whose id begins so, instead of the newest. See `history`.",
    ),
    click.Option(
        ["--expect-invocation"],
        metavar="ID",
        help="Refuse to retry any other invocation than this one and the retries of it.",
    ),
    click.Option(
        ["--vars-replace"],
        is_flag=True,
        help="Let --vars replace the recorded vars. Without it they are laid over them.",
    ),
    click.Option(
        ["--allow-target-change"],
        is_flag=True,
        help="Accept a --target or --profile that is not the one of the command to retry.",
    ),
    click.Option(
        ["--changed"],
        type=click.Choice([choice.value for choice in Changed]),
        help="Which nodes that changed since they succeeded are rebuilt: none, those in the retry set and above it "
        "(ancestors, the default), or all.",
    ),
    click.Option(
        ["--rebuild-tested"],
        type=click.Choice([choice.value for choice in RebuildTested]),
        help="When a failed data test brings back the nodes that it tests: when they changed (the default), always "
        "or never.",
    ),
    click.Option(["--dry-run"], is_flag=True, help="Print the plan, with a reason for each node, and stop."),
    click.Option(
        ["--output"],
        type=click.Choice(["text", "json"]),
        default="text",
        help="With --dry-run: for people, or one JSON document and nothing else on stdout.",
    ),
    click.Option(
        ["--check-relations"],
        is_flag=True,
        help="Ask the warehouse for the proven nodes that the retry set reads, and rebuild those that it lacks.",
    ),
    click.Option(["--force"], is_flag=True, help="Run in spite of findings that can be passed; see README."),
    click.Option(
        ["--ledger-optional"],
        is_flag=True,
        help="Retry what is on record on this machine when the store of the ledger cannot be reached.",
    ),
    click.Option(
        ["-p", "--plugin", "plugin"],
        multiple=True,
        metavar="NAME",
        help="Load this plugin too: one that settings disable, or a Python module.",
    ),
    click.Option(["--no-plugin", "no_plugin"], multiple=True, metavar="NAME", help="Leave this plugin out."),
    report_option("the retry"),
    *attempt_options(),
    click.Option(["--confirm"], is_flag=True, help="Show the plan, and ask before it runs."),
    click.Option(
        ["--merge-results/--no-merge-results"],
        default=True,
        help="Write run_results.json for the whole command, or for the retried nodes alone as `dbt retry` does.",
    ),
]
_JSON = "json"
_NARROWING = ("select", "exclude", "selector", "resource_types", "exclude_resource_types")


def _run(context: click.Context, **options: Any) -> tuple[Any, bool]:
    from dbt_retry_plus.dbtcore.errors import refusals_as_dbt_errors
    from dbt_retry_plus.execution.retry import retry

    with refusals_as_dbt_errors():
        return retry(_request(context, options))


def _pieces_known(command: Callable[..., tuple[Any, bool]]) -> Callable[..., tuple[Any, bool]]:
    """Refuse the name of a way to save time that there is not; by now all others are on."""

    @wraps(command)
    def checked(context: click.Context, **options: Any) -> tuple[Any, bool]:
        from dbt_retry_plus.dbtcore.errors import refusals_as_dbt_errors
        from dbt_retry_plus.dbtcore.fast.switch import refuse_unknown_pieces

        with refusals_as_dbt_errors():
            refuse_unknown_pieces(os.environ)
        return command(context, **options)

    return checked


def _request(context: click.Context, options: dict[str, Any]) -> Any:
    from dbt_retry_plus.checks.levels import check_codes
    from dbt_retry_plus.dbtcore.running import running_invocation
    from dbt_retry_plus.execution.attempting import wishes_of
    from dbt_retry_plus.execution.handing_out import wanted_reports
    from dbt_retry_plus.execution.request import RetryRequest
    from dbt_retry_plus.planning.rebuild import RebuildRules
    from dbt_retry_plus.plugin_manager import load_plugins
    from dbt_retry_plus.plugin_settings import with_plugin_settings
    from dbt_retry_plus.settings import read_settings

    running, flags = running_invocation(), context.obj["flags"]
    if running is None:
        raise RetryRefusedError("dbt has not set up this command. Run it as `dbt retry-plus`.")
    settings = read_settings(running.project_root, os.environ)
    check_codes(settings.checks)
    plugins = load_plugins(settings, running.project_root, options["plugin"], options["no_plugin"])
    settings, findings = with_plugin_settings(settings, plugins, running.project_root)
    rules = {name: options[name] for name in ("changed", "rebuild_tested") if options[name]}
    return RetryRequest(
        running=running,
        settings=settings,
        plugins=plugins,
        given=given_options(context, frozenset(name for name in options if name not in _UPSTREAM_NAMES)),
        flags=flags,
        state=str(flags.STATE) if flags.STATE else None,
        invocation=options["invocation"],
        expected_invocation=options["expect_invocation"],
        replace_vars=options["vars_replace"],
        allow_target_change=options["allow_target_change"],
        merge_results=options["merge_results"],
        rules=RebuildRules(
            changed=Changed(rules.get("changed", settings.changed)),
            rebuild_tested=RebuildTested(rules.get("rebuild_tested", settings.rebuild_tested)),
            over_nodes=frozenset(rules),
        ),
        dry_run=options["dry_run"],
        confirm=options["confirm"],
        as_json=options["output"] == _JSON,
        force=options["force"],
        ledger_optional=options["ledger_optional"],
        check_relations=options["check_relations"] or settings.check_relations,
        plugin_options={name: value for name, value in options.items() if name not in _OWN_NAMES},
        narrowing={name: options[name] for name in _NARROWING if options.get(name)},
        reports=() if options["dry_run"] else wanted_reports(options["report"], plugins, running.target_path),
        attempts=wishes_of(settings, options),
        found_before=findings,
    )


_UPSTREAM = retry_parameters()
_UPSTREAM_NAMES = frozenset(parameter.name for parameter in _UPSTREAM)
_SELECTION = selection_parameters(_NARROWING)
_OWN_NAMES = frozenset(parameter.name for parameter in [*_UPSTREAM, *_SELECTION, *_OPTIONS])
_retry_in_dbt = with_upstream_setup(_run, _pieces_known)


def _retry(**options: Any) -> Any:
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        return None
    if options["report"] and options["dry_run"]:
        raise click.UsageError("--report is for a retry that runs. Leave it or --dry-run out.", context)
    if options["output"] == _JSON and not options["dry_run"]:
        raise click.UsageError("--output json is for --dry-run. Add that, or leave --output out.", context)
    from dbt_retry_plus.dbtcore.fast.switch import saving_time

    console = silenced_console(context) if options["output"] == _JSON else nullcontext()
    with console, saving_time():
        return _retry_in_dbt(**options)


retry_plus = RetryPlusGroup(
    "retry-plus",
    params=[*_UPSTREAM, *_SELECTION, *_OPTIONS],
    callback=_retry,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    help="Retry what the previous invocation left unproven.",
)
