"""URLs of ledgers: which texts are URLs, and what of them may be shown."""

from __future__ import annotations

import re

from dbt_retry_plus.errors import RetryRefusedError

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.:-]*?)://(?P<place>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL)
_USER_WITH_PASSWORD = re.compile(r"^.*(?::|%3a).*@", re.IGNORECASE)
_CREDENTIAL = re.compile(r"(?:^|[?&#;])[^=&]*(?:key|token|secret|sig|pass|pwd|auth|credential)[^=&]*=", re.IGNORECASE)
_ANY_QUERY = re.compile(r"(?<=\w)\?[^\s'\")>]*=[^\s'\")>]*")
_ANY_PASSWORD = re.compile(r"(?<=://)[^/@\s]*(?::|%3a)[^/@\s]*@", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether a setting names a store and not a folder."""
    return _URL.fullmatch(text) is not None


def scheme_of(url: str) -> str:
    """Return the scheme; of a chain such as `simplecache::s3://…` the first one."""
    found = _URL.fullmatch(url)
    return found["scheme"].split("::")[0].lower() if found else ""


def shown(url: str) -> str:
    """Return what of a URL may be read by others: no query, no password."""
    found = _URL.fullmatch(url)
    if found is None:
        return url
    return f"{found['scheme']}://{_USER_WITH_PASSWORD.sub('', found['place'])}{found['path']}"


def without_secrets(text: str) -> str:
    """Take out of a message of a store's what URLs in it can carry besides a place."""
    return _ANY_QUERY.sub("", _ANY_PASSWORD.sub("", text))


def refuse_credentials(url: str, where: str) -> None:
    """Refuse a URL that holds a password or a key: it would stand in files and logs.

    Args:
        url: The URL of a ledger.
        where: What gives it, for the message.

    Raises:
        RetryRefusedError: It does.
    """
    found = _URL.fullmatch(url)
    if found and (_USER_WITH_PASSWORD.match(found["place"]) or _CREDENTIAL.search(found["rest"])):
        raise RetryRefusedError(
            f"{where} gives a ledger ({shown(url)}) with credentials in its URL. Take them out, and give them to the "
            "store by its own means: its variables, its configuration files, or the role of the machine."
        )
