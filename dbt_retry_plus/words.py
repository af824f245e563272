"""The words of the project that have values: statuses, reasons, choices."""

from __future__ import annotations

from enum import Enum

PROVEN_STATUSES = frozenset({"success", "pass", "warn", "no-op", "reused"})
"""dbt's statuses of a node that needs no retry (`warn` does under `--warn-error`)."""


INTERRUPTED = "interrupted"
"""Our status of a node that started and never finished."""


NOT_STARTED = "not started"
"""Our status of a selected node that the invocation never reached."""


UNPROVEN_STATUSES = frozenset(
    {"error", "fail", "skipped", "runtime error", "partial success", INTERRUPTED, NOT_STARTED}
)


EPHEMERAL = "ephemeral"
"""The field of a journal's row that says that dbt writes no row for the node."""


class Reason(str, Enum):
    """Why a node is in the retry set."""

    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not started"
    CHANGED = "changed since it succeeded"
    PARENT_OF_FAILED_TEST = "parent of a failed test"
    DOWNSTREAM = "downstream of a rebuilt node"
    WARNED = "warned"
    FAILED_BATCHES = "failed batches"
    FAILED_HOOK = "failed hook"
    UNBUILT_PARENT = "unbuilt parent"
    RENAMED = "renamed since it failed"
    PLUGIN = "asked for by a plugin"
    ONE_PIECE = "the command's artifact is one piece"


class Changed(str, Enum):
    """Which changed nodes a retry rebuilds."""

    NONE = "none"
    ANCESTORS = "ancestors"
    ALL = "all"


class RebuildTested(str, Enum):
    """When a failed data test brings back the nodes that it tests."""

    CHANGED = "changed"
    ALWAYS = "always"
    NEVER = "never"


class CheckLevel(str, Enum):
    """What settings make of the findings of one code."""

    ERROR = "error"
    WARNING = "warning"
    IGNORE = "ignore"


class Severity(str, Enum):
    """What a finding does to the retry."""

    ERROR = "error"
    WARNING = "warning"


class ErrorClass(str, Enum):
    """Whether trying again can help against an error."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class Backoff(str, Enum):
    """How the delay between the attempts of a node grows."""

    EXPONENTIAL = "exponential"
    CONSTANT = "constant"


class RetryOn(str, Enum):
    """Which classes of error give a node another attempt."""

    TRANSIENT = "transient"
    UNKNOWN = "unknown"
    ANY = "any"


class ErrorKind(str, Enum):
    """Where the error of a node comes from."""

    DATABASE = "database"
    COMPILATION = "compilation"
    CONTRACT = "contract"
    TEST = "test"
    OTHER = "other"


class Fate(str, Enum):
    """What a retry made of a node, or a command that retried nothing."""

    RECOVERED = "recovered"
    REBUILT = "rebuilt"
    SUCCEEDED = "succeeded"
    STILL_FAILING = "still failing"
    NEWLY_FAILING = "newly failing"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NEVER_ATTEMPTED = "never attempted"
    LEFT_OUT = "left out"
    PROVEN_BEFORE = "proven before"


UNPROVEN_FATES = frozenset(
    {Fate.STILL_FAILING, Fate.NEWLY_FAILING, Fate.FAILED, Fate.INTERRUPTED, Fate.NEVER_ATTEMPTED}
)
"""Those that keep a retry from being green; so does a node that is left out, which was somebody's wish."""


QUIET_FATES = frozenset({Fate.SUCCEEDED, Fate.PROVEN_BEFORE})
"""Those of nodes that a person need not be told of one by one."""


class Tone(str, Enum):
    """How a terminal shows a text: green, red or yellow."""

    GOOD = "good"
    BAD = "bad"
    WARNING = "warning"


class Verdict(str, Enum):
    """What a retry came to, or a command that retried nothing."""

    RECOVERED = "recovered"
    SUCCEEDED = "succeeded"
    NOTHING_TO_RETRY = "nothing_to_retry"
    INCOMPLETE = "incomplete"
    STILL_FAILING = "still_failing"
    RETRY_WILL_NOT_HELP = "retry_will_not_help"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"


SHORT_ID_LENGTH = 8


STRUCK_OUT = "*****"
"""What stands in a record in place of a secret, as in dbt's logs."""


TAG_VARIABLE = "DBT_RETRY_PLUS_TAG"
"""What an orchestrator calls the task that a dbt process is run for, by which it finds the invocation again."""


JOB_STEP_VARIABLE = "DBT_RETRY_PLUS_JOB_STEP"
"""Tells the process of a step which run of a job it belongs to, and which step it is: `RUN/NUMBER`."""


FOUND_SCHEMA = "dbt-retry-plus/found/v1"
"""What `dbt retry-plus find --output json` calls its answer, by which an orchestrator knows it."""


GRACE = 20.0
"""Seconds that dbt has to cancel its queries once it is told to stop, before it is killed."""
