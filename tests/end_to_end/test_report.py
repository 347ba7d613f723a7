"""The report follows what is published, by itself and on the command line."""

from __future__ import annotations

import json

from click.testing import CliRunner

from tests.end_to_end.conftest import campaign, order, page

ROW = {"order_id": "o-1", "ordered_at": "2026-03-02T10:00:00Z", "status": "completed", "revenue": "40.00",
       "refunded": "", "cogs": "10.00", "currency": "EUR", "updated_at": "2026-03-02T10:00:00Z"}  # fmt: skip


def test_a_run_writes_the_report_of_what_it_publishes_and_the_command_writes_both(shop, tmp_path):
    from orchestration.cli.main import main

    shop.configure("privacy: {k_anonymity: 1}\n")
    shop.archive("eu", 0, [
        page("m1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
        order("m2", "2026-03-02T10:00:00Z", "o-1", 40),
    ])  # fmt: skip
    shop.table("eu", "ledger/orders.csv", [ROW])
    assert shop.romi("report")[0] == 2  # nothing is published yet
    assert shop.romi("run")[0] == 0
    written = shop.warehouse / "report" / "report.html"
    assert "March 2026" in written.read_text()
    code, said = shop.romi("report", "--month", "2026-03", "--out", str(tmp_path / "r.html"), "--xlsx",
                           str(tmp_path / "deep" / "w.xlsx"))  # fmt: skip
    assert code == 0
    assert [one["figure"] for one in said["answers"]] == ["€0.00", "€30.00", "Not known", "€0.00"]
    assert (tmp_path / "r.html").read_bytes() == written.read_bytes()
    assert (tmp_path / "deep" / "w.xlsx").read_bytes()[:2] == b"PK"
    code, said = shop.romi("report", "--month", "2025-01")
    assert (code, said["error"]) == (2, "unknown month '2025-01'; known: 2026-03")
    refused = CliRunner().invoke(
        main, ["report", "--warehouse", str(shop.warehouse), "--out", "/proc/x.html", "--json"]
    )
    assert refused.exit_code == 2
    assert "cannot write /proc/x.html" in json.loads(refused.stdout)["error"]
