"""A run that somebody ends, by SIGTERM or Ctrl-C, has not failed: nothing more is done, and no incident opens."""

from __future__ import annotations

import os
import signal

import pytest

from operations.incidents import book
from operations.recovery import drain
from settings import Settings
from tests.end_to_end import conftest
from tests.end_to_end.conftest import page

shop = conftest.shop


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_does_nothing_more_and_opens_no_incident(shop, monkeypatch, how):
    begun = []

    def ended(_, region, *__):
        begun.append(region)
        os.kill(os.getpid(), how)

    for region in ("eu", "us"):
        shop.archive(region, 0, [page("m1", "2026-03-01T10:00:00Z")])
    monkeypatch.setattr(drain, "load_region", ended)
    code, told = shop.romi("run")
    assert (code, told["error"], begun) == (1, "interrupted; run it again to go on", ["eu"])
    assert book.incidents(Settings(warehouse=shop.warehouse)) == []
