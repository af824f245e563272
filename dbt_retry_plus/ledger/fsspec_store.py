"""Stores that fsspec opens: S3, Google Cloud Storage, Azure, a shared folder and many more."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from dbt_retry_plus.hookspecs import hookimpl
from dbt_retry_plus.ledger.store import ANY_SCHEME, StoreUnreachableError
from dbt_retry_plus.store_url import scheme_of, shown
from dbt_retry_plus.types import LedgerStore, Store, StoredObject

_EXTRA = "dbt-retry-plus[remote]"
_LISTINGS = 5  # others may remove what is being listed


class FsspecStore:
    """The objects below one URL.

    Most file systems write at once or not at all, or tear a file when their writer dies: readers have to see it.
    """

    def __init__(self, file_system: Any, root: str) -> None:
        """Take a file system and the path in it that the URL names."""
        self._fs = file_system
        self._root = root.rstrip("/")
        self._objects = bool(file_system.async_impl)  # those have no folders that could be missing

    def list(self, prefix: str) -> Iterable[StoredObject]:
        """Return the objects whose names begin with a prefix."""
        start = len(self._root) + 1
        found = self._find(self._path(prefix).rstrip("/"))
        return [StoredObject(path[start:], int(info.get("size") or 0)) for path, info in found.items()]

    def read(self, name: str) -> bytes:
        """Return what an object holds."""
        data: bytes = self._fs.cat_file(self._path(name))
        return data

    def write(self, name: str, data: bytes) -> None:
        """Create or replace an object."""
        path = self._path(name)
        self._make_folder(path)
        self._fs.pipe_file(path, data)

    def write_if_absent(self, name: str, data: bytes) -> bool:
        """Create an object unless there is one."""
        path = self._path(name)
        self._make_folder(path)
        try:
            self._create(path, data)
        except NotImplementedError:
            raise
        except Exception as error:  # each file system has its own for this; or the answer was lost, and not the write
            try:
                found: bytes = self._fs.cat_file(path)
            except FileNotFoundError:
                found = b""
            if not found and not isinstance(error, FileExistsError):  # whose writer may not have got further yet
                raise
            return found == data
        return True

    def delete(self, name: str) -> None:
        """Remove an object."""
        try:
            self._fs.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def _find(self, folder: str) -> Mapping[str, Any]:
        strict = {} if self._objects else {"on_error": "raise"}  # or what cannot be read would look empty
        for _ in range(_LISTINGS):
            self._fs.invalidate_cache()
            try:
                found: Mapping[str, Any] = self._fs.find(folder, detail=True, **strict)
                return found
            except FileNotFoundError:
                if not self._fs.exists(folder):
                    self._refuse_missing_bucket()
                    return {}
        raise StoreUnreachableError(f"{folder!r} changes while it is listed")

    def _create(self, path: str, data: bytes) -> None:
        from fsspec.asyn import AsyncFileSystem
        from fsspec.implementations.local import LocalFileSystem
        from fsspec.spec import AbstractFileSystem

        if isinstance(self._fs, LocalFileSystem):
            with self._fs.open(path, "xb") as file:
                file.write(data)
            return
        own = type(self._fs)._pipe_file if self._objects else type(self._fs).pipe_file  # noqa: SLF001 - only this tells
        common = (getattr(AsyncFileSystem, "_pipe_file", None), AbstractFileSystem.pipe_file)
        # What file systems inherit looks first and writes then; older ones do not know the mode.
        known = frozenset() if own in common else inspect.signature(own).parameters.keys()
        if "mode" in known:
            self._fs.pipe_file(path, data, mode="create")
        elif "overwrite" in known:  # adlfs
            self._fs.pipe_file(path, data, overwrite=False)
        else:
            raise NotImplementedError

    def _make_folder(self, path: str) -> None:
        if not self._objects:
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)

    def _refuse_missing_bucket(self) -> None:
        """A bucket that is not there is a mistake, and no empty ledger."""
        bucket = self._root.lstrip("/").partition("/")[0]
        if self._objects and not self._fs.exists(bucket):
            raise StoreUnreachableError(f"there is no bucket {bucket!r}")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def open_url(url: str) -> Store:
    """Open the store that a URL names.

    Raises:
        StoreUnreachableError: A package that it takes is not installed, or fsspec does not know the scheme.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise StoreUnreachableError(f"fsspec is not installed: install {_EXTRA!r}") from None
    try:
        file_system, path = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as error:
        raise StoreUnreachableError(f"a package for {scheme_of(url)}:// is not installed: {error}") from None
    except ValueError as error:
        if "not known" not in str(error):
            raise
        raise StoreUnreachableError(
            f"fsspec knows no {scheme_of(url)}:// (in {shown(url)}): mend the URL, or install the package for it"
        ) from None
    return FsspecStore(file_system, path)


@hookimpl
def retry_plus_ledger_stores() -> Iterable[LedgerStore]:
    """Add the stores that fsspec opens."""
    return [LedgerStore((ANY_SCHEME,), open_url)]
