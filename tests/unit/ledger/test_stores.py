"""What every store does, on a folder, in memory and on a real S3 API."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dbt_retry_plus.ledger.fsspec_store import FsspecStore, open_url
from dbt_retry_plus.ledger.store import Guarded, StoreUnreachableError, opener
from dbt_retry_plus.plugin_manager import load_plugins
from dbt_retry_plus.settings import Settings
from dbt_retry_plus.store_url import shown
from dbt_retry_plus.types import LedgerStore, Store, StoredObject
from tests.support.stores import DictStore, S3Server, free_port

pytest.importorskip("fsspec", reason="fsspec is not installed")

Open = Callable[[], Store]


@pytest.fixture(params=["file", "memory", "s3"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the same place, each time as another process would."""
    url = {"file": f"file://{tmp_path}/ledger", "memory": f"memory://{uuid.uuid4()}/ledger"}.get(request.param)
    if url is None:
        server: S3Server = request.getfixturevalue("s3_server")
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        reload_configuration(monkeypatch, server.environment())
        url = f"s3://{server.new_bucket()}/some/prefix"
    found = url
    return lambda: Guarded(open_url(found))


def reload_configuration(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """fsspec reads its variables when it is imported."""
    from fsspec.config import conf

    monkeypatch.setitem(conf, "s3", json.loads(environment["FSSPEC_S3"]))


def names(store: Store, prefix: str) -> list[tuple[str, int]]:
    return sorted((each.name, each.size) for each in store.list(prefix))


def test_what_was_written_is_listed_and_read_by_others(open_again: Open) -> None:
    store, other = open_again(), open_again()
    assert names(other, "") == []
    store.write("shop/dev/a/1.gz", b"one")
    store.write("shop/dev/b.json", b"")
    store.write("shop/dev2/c.json", b"of another environment")
    store.write("shop/dev/a/1.gz", b"replaced")

    assert other.read("shop/dev/a/1.gz") == b"replaced"
    assert names(other, "shop/dev/") == [("shop/dev/a/1.gz", 8), ("shop/dev/b.json", 0)]
    assert len(names(other, "")) == 3
    assert names(other, "shop/prod/") == []


def test_a_listing_is_never_an_old_one(open_again: Open) -> None:
    store, other = open_again(), open_again()
    for number in range(3):
        store.write(f"shop/{number}", b"x")
        assert len(names(other, "shop/")) == number + 1
    store.delete("shop/1")
    store.delete("shop/1")
    assert [name for name, _ in names(other, "shop/")] == ["shop/0", "shop/2"]


def test_what_is_not_there_is_no_outage(open_again: Open) -> None:
    with pytest.raises(FileNotFoundError):
        open_again().read("shop/nothing")


def test_of_several_at_once_one_creates_an_object(open_again: Open) -> None:
    stores = [open_again() for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        taken = [*threads.map(lambda each: each[1].write_if_absent("claim", f"{each[0]}".encode()), enumerate(stores))]
    assert taken.count(True) == 1
    assert open_again().read("claim") == f"{taken.index(True)}".encode()


def test_who_created_an_object_and_never_heard_so_is_told_on_the_second_try(open_again: Open) -> None:
    store = open_again()
    assert store.write_if_absent("claim", b"mine")
    assert store.write_if_absent("claim", b"mine")
    assert not store.write_if_absent("claim", b"other")


def test_an_object_that_its_creator_has_not_filled_yet_is_taken(tmp_path: Path) -> None:
    (tmp_path / "claim").touch()
    assert not Guarded(open_url(f"file://{tmp_path}")).write_if_absent("claim", b"mine")


def test_a_bucket_that_is_not_there_is_not_taken_for_an_empty_ledger(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    reload_configuration(monkeypatch, s3_server.environment())
    store = Guarded(open_url("s3://no-such-bucket/ledger"))
    with pytest.raises(StoreUnreachableError, match="no-such-bucket"):
        store.list("")


def test_a_server_that_is_not_there_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="s3fs cannot be installed with this Python")
    environment = S3Server(free_port()).environment()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    reload_configuration(monkeypatch, environment)
    store = Guarded(open_url("s3://bucket/ledger"))
    with pytest.raises(StoreUnreachableError, match="connect"):
        store.list("")


def test_a_folder_that_cannot_be_one_is_not_taken_for_an_empty_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file")
    store = Guarded(open_url(f"file://{tmp_path}/ledger/shop"))
    with pytest.raises(StoreUnreachableError):
        store.list("")
    with pytest.raises(StoreUnreachableError):
        store.write("a", b"x")


@pytest.mark.parametrize(
    ("url", "said"), [("nosuch://place", "fsspec knows no nosuch://"), ("gs://bucket/x", "not installed: .*gcsfs")]
)
def test_a_package_that_is_missing_is_named(url: str, said: str) -> None:
    open_store, _ = opener(url, load_plugins(Settings(), None))
    with pytest.raises(StoreUnreachableError, match=said):
        open_store()


def test_without_fsspec_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(StoreUnreachableError, match=r"install 'dbt-retry-plus\[remote\]'"):
        open_url("s3://bucket")


def test_a_plugin_opens_the_urls_of_its_scheme(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks.py"
    hooks.write_text(
        "from dbt_retry_plus.hookspecs import hookimpl\n"
        "from dbt_retry_plus.types import LedgerStore\n"
        "from tests.support.stores import DictStore\n"
        "@hookimpl\n"
        "def retry_plus_ledger_stores():\n"
        "    return [LedgerStore(('vault', '*'), lambda url: DictStore({'url': url.encode()}))]\n"
    )
    plugins = load_plugins(Settings(hooks="hooks.py"), tmp_path)
    open_store, findings = opener("vault://somewhere/else", plugins)
    assert open_store().read("url") == b"vault://somewhere/else"
    assert ["a store for *://, which is taken" in finding.message for finding in findings] == [True]


def test_what_a_store_raises_is_shown_without_secrets() -> None:
    class Raising(DictStore):
        def list(self, prefix: str) -> list[StoredObject]:
            raise ValueError("GET https://ann:pass@host/b?X-Amz-Signature=abc&x=1\nfailed")

    with pytest.raises(StoreUnreachableError) as raised:
        Guarded(Raising()).list("")
    assert str(raised.value) == "ValueError: GET https://host/b failed"


def test_a_url_is_shown_without_what_may_be_secret_in_it() -> None:
    assert shown("s3://key:hush@bucket/x?token=hush#hush") == "s3://bucket/x"
    assert shown("abfs://box@account.dfs.core.windows.net/x") == "abfs://box@account.dfs.core.windows.net/x"
    assert shown("a/folder") == "a/folder"


def test_a_file_system_that_knows_no_conditional_write_says_so(tmp_path: Path) -> None:
    from fsspec.implementations.dirfs import DirFileSystem
    from fsspec.implementations.local import LocalFileSystem

    with pytest.raises(NotImplementedError):
        Guarded(FsspecStore(DirFileSystem(str(tmp_path), LocalFileSystem()), "x")).write_if_absent("a", b"x")


def test_a_store_is_described_without_being_opened() -> None:
    def refuse(url: str) -> Store:
        raise AssertionError(url)

    assert LedgerStore(("x",), refuse).schemes == ("x",)
