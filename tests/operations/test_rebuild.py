"""A build that is killed leaves a region's file that the next run can open."""

from __future__ import annotations

import shutil

import duckdb

from operations import transform
from tests.operations import test_finality
from tests.operations.test_finality import view

built, shop = test_finality.built, test_finality.shop


def test_a_build_killed_before_its_log_is_in_the_file_leaves_one_that_opens(shop, tmp_path, monkeypatch):
    left = tmp_path / "left"
    left.mkdir()
    release = transform._release

    def killed_first():
        for path in shop.settings.region_file("eu").parent.glob("eu.duckdb*"):
            if path.is_file():
                shutil.copy(path, left)
        release()

    monkeypatch.setattr(transform, "_release", killed_first)
    shop.events(view("again", "2026-03-03T10:00:00Z", "n", "email", "w"))
    shop.build()
    assert (left / "eu.duckdb.wal").stat().st_size > 0
    with duckdb.connect(str(left / "eu.duckdb")) as con:
        weights = con.execute("select count(*) from intermediate.int_attribution__channel_weights").fetchall()
    assert weights == shop.query("select count(*) from intermediate.int_attribution__channel_weights")
