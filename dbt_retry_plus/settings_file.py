"""Reading `dbt_retry_plus.yml` so that whatever is wrong in it can be named with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt_retry_plus.errors import RetryRefusedError


@dataclass(frozen=True)
class Entry:
    """One key of a mapping, or one item of a list, in a settings file.

    Attributes:
        value: What it holds; for a mapping an `Entry` by its keys, for a list a tuple of an `Entry` for each item.
        where: The file and the line, for messages.
    """

    value: Any
    where: str

    @property
    def plain(self) -> Any:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: entry.plain for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [entry.plain for entry in self.value]
        return self.value


def read_settings_file(path: Path) -> Mapping[str, Entry]:
    """Read the keys of a settings file; none where there is no file.

    Args:
        path: `dbt_retry_plus.yml`.

    Raises:
        RetryRefusedError: It cannot be read, is no YAML, or is no mapping of names.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RetryRefusedError(f"Could not read '{path}': {error.strerror}. Mend or delete it.") from None
    # dbt's own dependency; most projects have no settings and need not pay for it.
    import yaml

    try:
        loader = yaml.SafeLoader(content)
        root = loader.get_single_node()
        entry = _entry(loader, root, path) if root is not None else None
    except RetryRefusedError:
        raise
    except Exception as error:  # besides its own errors whatever a constructor of a value raises
        where = " ".join(str(error).split())
        raise RetryRefusedError(f"'{path}' is not valid YAML ({where}). Mend or delete it.") from None
    if entry is None or entry.value is None:
        return {}
    if not isinstance(entry.value, dict):
        raise RetryRefusedError(f"'{path}' does not hold settings by their names. Mend or delete it.")
    return entry.value


def _entry(loader: Any, node: Any, path: Path) -> Entry:
    import yaml

    where = f"'{path}', line {node.start_mark.line + 1},"
    if isinstance(node, yaml.SequenceNode) and node.tag == yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG:
        return Entry(tuple(_entry(loader, item, path) for item in node.value), where)
    if not isinstance(node, yaml.MappingNode) or node.tag != yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG:
        return Entry(loader.construct_object(node, deep=True), where)
    loader.flatten_mapping(node)
    entries: dict[str, Entry] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        at = f"'{path}', line {key_node.start_mark.line + 1},"
        if key in entries:
            raise RetryRefusedError(f"{at} gives {key!r} a second time. Leave one of the two.")
        entries[key] = Entry(_entry(loader, value_node, path).value, at)
    return Entry(entries, where)
