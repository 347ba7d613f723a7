"""`romi audit`, `backup`, `restore` and `retention apply` on a warehouse that `romi run` made."""

from __future__ import annotations

import shutil

import pytest

from tests.end_to_end.conftest import campaign, order, page

YOUNG = "retention: {raw_days: 30, touch_days: 30, dead_letter_days: 1, log_days: 1}\n"


@pytest.mark.slow  # tests/operations/backups and tests/operations/retention
def test_a_run_is_audited_backed_up_restored_and_thinned_out_while_finance_stays(shop, monkeypatch):
    shop.configure("regions: {eu: {}}\nprivacy: {k_anonymity: 1}\n")
    shop.archive("eu", 0, [
        page("p1", "2026-01-03T10:00:00Z", context=campaign("google", "cpc", "brand")),
        order("o1", "2026-01-05T10:00:00Z", "1", 100),
        page("p2", "2026-03-10T10:00:00Z", context=campaign("n", "email", "w")),
        order("o2", "2026-03-11T10:00:00Z", "2", 50),
        "no json",
    ])  # fmt: skip
    assert shop.romi("run")[0] == 0
    before = shop.rows()
    assert shop.romi("audit")[1]["findings"] == []

    code, made = shop.romi("backup", "--to", str(shop.folder / "backups"))
    assert (code, made["recovery_point"]) == (0, {"eu": "2026-03-11T10:00:00"})
    assert shop.romi("restore", made["folder"])[0] == 2, "not over a warehouse that is not empty"
    shutil.rmtree(shop.warehouse)
    assert shop.romi("restore", made["folder"])[0] == 0
    assert shop.rows() == before
    assert shop.romi("audit")[1]["findings"] == []
    code, again = shop.romi("run")
    assert (code, again["version"]) == (0, None), "nothing is new after a restore"

    shop.configure("regions: {eu: {}}\nprivacy: {k_anonymity: 1}\n" + YOUNG)
    assert shop.romi("audit")[0] == 1
    code, foreseen = shop.romi("retention", "apply", "--dry-run")
    assert (code, shop.romi("audit")[0]) == (0, 1)
    code, done = shop.romi("retention", "apply")
    assert code == 0
    gone = {one["what"]: one["count"] for one in done["disposed"]}
    assert gone == {one["what"]: one["count"] for one in foreseen["disposed"]}
    assert gone["raw events"] == 2
    assert done["rewritten"] == ["eu"]
    assert shop.romi("audit")[1]["findings"] == []
    assert shop.romi("retention", "apply")[1]["disposed"] == []

    assert shop.romi("run")[0] == 0
    assert shop.rows() == before

    # What the backup has of somebody who was erased since does not come back with it.
    held = "select count(*) from raw.events where anonymous_id is not null"
    assert shop.romi("dsar", "erase", "--anonymous-id", "a-1", "--yes")[0] == 0
    assert _in_region(shop, held) == 0
    assert shop.romi("restore", made["folder"], "--force")[0] == 0
    assert _in_region(shop, "select count(*) from raw.events") > 0
    assert _in_region(shop, held) == 0
    assert shop.romi("run")[0] == 0
    assert shop.rows() == before
    assert _in_region(shop, held) == 0


def _in_region(shop, query: str) -> int:
    with shop.region("eu") as con:
        return con.execute(query).fetchall()[0][0]
