"""`romi backfill`: days are rebuilt from what is in the warehouse."""

from __future__ import annotations

import shutil
from decimal import Decimal

from ingestion.books import region_file
from settings import Settings
from tests.end_to_end.test_main_job import K1, ledger_row


def test_backfill_rebuilds_days_from_the_warehouse_and_changes_nothing_that_was_right(shop):
    shop.configure(K1)
    shop.table("eu", "ledger/orders.csv", [ledger_row("o-1", "2026-03-02T10:00:00Z", "10.00")])
    shop.table("us", "ledger/orders.csv", [ledger_row("o-2", "2026-02-02T10:00:00Z", "20.00")])
    assert shop.romi("run")[0] == 0
    before = shop.rows()
    with region_file(Settings(warehouse=shop.warehouse), "eu") as con:
        con.execute("update finance.orders_daily set revenue = 1; delete from finance.romi_daily")
    shutil.rmtree(shop.landing)

    code, outcome = shop.romi("backfill", "--from", "2026-03-01", "--to", "2026-03-31")

    assert (code, outcome["regions"], outcome["rebuilt_days"], outcome["version"]) == (0, ["eu"], 1, None)
    with shop.region("eu") as con:
        assert con.execute("select date::varchar, revenue from finance.orders_daily").fetchall() == [
            ("2026-03-02", Decimal("10.00"))
        ]
    assert shop.rows() == before
    for arguments, answer in (
        (["--from", "2026-03-01", "--to", "2026-03-02", "--region", "mars"], "known: eu, us"),
        (["--from", "2026-03-03", "--to", "2026-03-02"], "after"),
        (["--from", "2020-03-01", "--to", "2020-03-02"], "nothing of 2020-03-01"),
    ):
        code, said = shop.romi("backfill", *arguments)
        assert (code, answer in said["error"]) == (2, True), said
