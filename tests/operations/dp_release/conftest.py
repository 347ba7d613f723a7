"""A small shop for every test of releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import Settings
from tests.operations.dp_release.shop import Shop, settings_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "warehouse")


@pytest.fixture
def shop(settings: Settings) -> Shop:
    return Shop(settings)
