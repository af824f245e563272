"""What a retry does with each of dbt's options: one table, which README shows and a test holds against dbt."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Treatment(str, Enum):
    """What a retry does with an option; the value is README's sentence for it."""

    KEPT = "Kept from the original command. What is given now, on the command line or by a variable, wins."
    DATA = (
        "Kept from the original command. What is given now on the command line wins; a variable does not, since it "
        "may have been there all along under the option that was typed."
    )
    MERGED = "Laid over the recorded ones, one by one; with `--vars-replace`, in place of them."
    PLACE = "Kept from the original command. Another one is refused, unless `--allow-target-change` is given."
    SELECTION = (
        "The original selection is kept; what is given now narrows the retry set, in dbt's selection syntax. What is "
        "left out is not proven: such a retry ends with exit code 1 and says what is left."
    )
    STATE = "Names the folder of the results to retry. What the original command compared with is kept."
    FOLDER = "Always this command's."
    LOG = "This command's, as far as they set up dbt's log; kept from the original where a node can see them."
    ORIGINAL = "Kept from the original command; `dbt retry-plus` does not take them."


_NAMES: Mapping[Treatment, str] = MappingProxyType(
    {
        Treatment.KEPT: """
            cache_selected_only fail_fast hints_enabled indirect_selection macro_debugging
            maximum_seed_size_mib partial_parse partial_parse_file_diff partial_parse_file_path populate_cache
            record_timing_info send_anonymous_usage_stats show_resource_report single_threaded
            snowflake_projects_otel static_parser threads upload_to_artifacts_ingest_api use_experimental_parser
            use_fast_test_edges use_v2_parser v2_parser version_check write_json
        """,
        Treatment.DATA: """
            defer defer_state deprecated_defer deprecated_favor_state deprecated_state favor_state full_refresh
            warn_error warn_error_options
        """,
        Treatment.MERGED: "vars",
        Treatment.PLACE: "profile target",
        Treatment.SELECTION: "exclude exclude_resource_types resource_types select selector",
        Treatment.STATE: "state",
        Treatment.FOLDER: "log_path output_path profiles_dir profiles_dir_exists_false project_dir target_path version",
        Treatment.LOG: """
            debug deprecated_print enable_legacy_logger log_cache_events log_file_max_bytes log_format log_format_file
            log_level log_level_file print printer_width quiet show_all_deprecations use_colors use_colors_file
        """,
        Treatment.ORIGINAL: """
            args compile empty empty_catalog event_time_end event_time_start export_saved_queries include_saved_query
            inject_ephemeral_ctes inline introspect macro output sample show sql sqlparse static store_failures
        """,
    }
)

TREATMENT: Mapping[str, Treatment] = MappingProxyType(
    {name: treatment for treatment, names in _NAMES.items() for name in names.split()}
)
"""Treatment by dbt's name of the option, for all options of all retryable commands of all supported versions."""

_NOT_FROM_A_VARIABLE = frozenset({Treatment.DATA, Treatment.PLACE, Treatment.STATE, Treatment.ORIGINAL})


_TYPED_OTHERWISE: Mapping[str, str] = MappingProxyType(
    {"resource_types": "--resource-type", "exclude_resource_types": "--exclude-resource-type", "macro": "MACRO"}
)


def as_typed(name: str) -> str:
    """Return an option as a person types it, from dbt's name of it."""
    return _TYPED_OTHERWISE.get(name, f"--{name.replace('_', '-')}")


def of_this_command(name: str) -> bool:
    """Whether an option is always this command's: the project may have moved since."""
    return TREATMENT.get(name) is Treatment.FOLDER


def about_the_retry(name: str) -> bool:
    """Whether an option, given now, says something of the retry and nothing of the original command."""
    return TREATMENT.get(name) in (Treatment.STATE, Treatment.SELECTION)


def variable_may_win(name: str) -> bool:
    """Whether what the environment says today is newer than the record, and does not change what is done with data."""
    return TREATMENT.get(name) not in _NOT_FROM_A_VARIABLE
