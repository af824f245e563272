"""BigQuery: the exceptions of google-api-core are HTTP's statuses; for 400 and 403 the message decides.

https://cloud.google.com/bigquery/docs/error-messages has the reasons. dbt-bigquery tries again by itself what
google-cloud-bigquery takes for passing (`job_retries`, `job_retry_deadline_seconds`; retry.py of both); ours comes
after.

Said of nothing, and so unknown: 409 (`Already Exists: Job`), where the job may have been done (dbt-adapters #1746); a
job that is not found; resources that were exceeded, and quotas of a day.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbt_retry_plus.classifiers.rules import Rule, said
from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.types import NodeError
from dbt_retry_plus.words import ErrorClass

_TRANSIENT, _PERMANENT = ErrorClass.TRANSIENT, ErrorClass.PERMANENT

_GOOGLE = r"google\.api_core\.exceptions\."
_REFUSED = _GOOGLE + r"(?:BadRequest|InvalidArgument|Forbidden|PermissionDenied|Conflict|Aborted)"

# google-api-core, GoogleAPICallError.__str__ and from_http_response: 400 GET https://…: message
_STATUS = r"(?:\d{3} )?(?:[A-Z]{3,7} \S{1,1000}: )?\s*(?:Query error: )?"

RULES = (
    # google-cloud-bigquery's retry.py, _UNSTRUCTURED_RETRYABLE_TYPES; the documentation's backendError, badGateway,
    # internalError. dbt-bigquery #1475, dbt-adapters #941, #2120, #574; dbt-core #1630.
    Rule(
        _TRANSIENT,
        type=_GOOGLE + r"(?:TooManyRequests|ResourceExhausted|InternalServerError|BadGateway|ServiceUnavailable"
        r"|GatewayTimeout|DeadlineExceeded|RetryError)",
    ),
    # google-auth: the network between here and where the tokens come from.
    Rule(_TRANSIENT, type=r"google\.auth\.exceptions\.TransportError"),
    # https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency and "Troubleshoot queries".
    # googleapis' answer to kafka-connect-bigquery #279; dlt #2892.
    Rule(
        _TRANSIENT,
        type=_REFUSED,
        message=_STATUS + r"(?:Could not serialize access to table \S{1,1000} due to concurrent update"
        r"|Transaction is aborted due to concurrent update against table )",
    ),
    # rateLimitExceeded and jobRateLimitExceeded, with 400 or 403. python-bigquery-sqlalchemy #34, dlt #161.
    Rule(_TRANSIENT, type=_REFUSED, message=_STATUS + r"(?:Job e|E)xceeded rate limits"),
    # internalError, jobInternalError, backendError, with 400. azul #3364, python-bigquery #2256.
    Rule(
        _TRANSIENT,
        type=_REFUSED,
        message=_STATUS + r"(?:The job encountered an internal error during execution"
        r"|An internal error occurred and the request could not be completed"
        r"|Error encountered during execution\. Retrying may solve the problem)",
    ),
    # accessDenied; notFound; invalidQuery: what GoogleSQL finds in a statement or in its data.
    Rule(_PERMANENT, type=_GOOGLE + r"(?:Forbidden|PermissionDenied)", message=_STATUS + r"Access Denied: "),
    Rule(_PERMANENT, type=_GOOGLE + r"(?:Unauthorized|Unauthenticated)"),
    Rule(
        _PERMANENT,
        type=_GOOGLE + r"NotFound",
        message=_STATUS + r"Not found: (?:Table|Dataset|Project|Model|Routine|Function)\b",
    ),
    Rule(
        _PERMANENT,
        type=_GOOGLE + r"(?:BadRequest|InvalidArgument)",
        message=_STATUS
        + r"(?:Syntax error: |Unrecognized name: |No matching signature for |Could not cast |Bad \w{1,20} value"
        r"|Invalid |[Dd]ivision by zero|Function not found: |Type not found: "
        r"|Table \S{1,300} must be qualified with a dataset"
        r"|UPDATE/MERGE must match at most one source row)",
    ),
)


@hookimpl
def retry_plus_classify(error: NodeError) -> Iterator[ErrorClass]:
    """Say what an error of BigQuery is."""
    yield from said(error, ("bigquery",), RULES)
