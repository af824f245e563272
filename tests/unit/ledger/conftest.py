"""Empty ledgers: one beside an empty target folder, and those of two machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbt_retry_plus.ledger.local import LocalLedger


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


@pytest.fixture
def ledger(target: Path) -> LocalLedger:
    return LocalLedger(target / "retry_plus")


@pytest.fixture
def here(tmp_path: Path) -> LocalLedger:
    return LocalLedger(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> LocalLedger:
    return LocalLedger(tmp_path / "there")
