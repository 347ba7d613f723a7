"""Chromium: that of ROMI_CHROMIUM, of the machine, or of Playwright; without any there is nothing to test with."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

sync_api = pytest.importorskip("playwright.sync_api")


@contextmanager
def chromium():
    found = os.environ.get("ROMI_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
        except sync_api.Error:
            pytest.skip("no Chromium is installed")
        yield launched
        launched.close()
