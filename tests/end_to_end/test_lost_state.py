"""`romi run` on a warehouse that has lost something: it says what, exits with 1, and readers keep what was good."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import campaign, order, page

CONFIG = "regions: {eu: {}}\nprivacy: {k_anonymity: 1}\n"


@pytest.mark.slow  # tests/operations/store/memory finds the loss and accepts it
def test_a_region_that_lost_its_file_after_its_archives_stops_and_other_regions_go_on(shop):
    shop.configure("regions: {eu: {}, us: {}}\nprivacy: {k_anonymity: 1}\n")
    old = [
        shop.archive(region, 0, [
            page(f"{region}-p1", "2026-03-01T10:00:00Z", context=campaign("google", "cpc", "brand")),
            order(f"{region}-o1", "2026-03-02T10:00:00Z", f"{region}-1", 100),
        ])
        for region in ("eu", "us")
    ]  # fmt: skip
    assert shop.romi("run")[0] == 0
    before = shop.rows()
    (shop.warehouse / "regions" / "eu.duckdb").unlink()
    old[0].unlink()
    for region in ("eu", "us"):
        shop.archive(region, 2, [order(f"{region}-o2", "2026-03-03T10:00:00Z", f"{region}-2", 50)])
    code, told = shop.romi("run")
    assert code == 1
    [failure] = told["failures"]
    assert failure.startswith("eu: ingest: ")
    assert "1 files with 2 records are not in it" in failure
    assert "accept-loss --region eu" in failure
    revenue = "select region, sum(revenue)::int from finance.orders_daily group by all order by all"
    assert shop.query(revenue) == [("eu", 100), ("us", 150)]
    assert [row for row in shop.rows()["orders_daily"] if "eu" in row][:1] == before["orders_daily"][:1]
    assert shop.romi("status")[0] == 1
    assert shop.romi("accept-loss", "--region", "eu", "--by", "ann", "--yes")[1]["revenue"] == "100.00"
    code, told = shop.romi("run")
    assert (code, told["failures"]) == (0, [])
    assert shop.query(revenue) == [("eu", 50), ("us", 150)]


def test_where_nothing_was_ever_published_a_run_does_not_speak_of_the_published_version(shop, capsys):
    from orchestration.cli import show
    from orchestration.pipeline import Outcome
    from settings import Settings

    show.outcome(Settings(warehouse=shop.warehouse, landing=str(shop.landing)), Outcome(regions=["eu"]), as_json=False)
    assert "nothing is published yet: the landing zone" in capsys.readouterr().out


@pytest.mark.slow
def test_a_damaged_journal_is_set_aside_and_the_run_is_as_any_other(shop):
    shop.configure(CONFIG)
    shop.archive("eu", 0, [order("o1", "2026-03-02T10:00:00Z", "1", 100)])
    assert shop.romi("run")[0] == 0
    before = shop.rows()
    runs = shop.warehouse / "dagster" / "history" / "runs.db"
    runs.write_bytes(runs.read_bytes()[:3000])
    code, told = shop.romi("run")
    assert (code, shop.rows()) == (0, before)
    assert any("runs.db was damaged" in line for line in told["warnings"])


def test_the_book_of_backups_that_is_lost_right_after_a_backup_is_missed_at_the_next_run(shop):
    shop.configure(CONFIG)
    shop.archive("eu", 0, [order("o1", "2026-03-02T10:00:00Z", "1", 100)])
    assert shop.romi("run")[0] == 0
    before = shop.rows()
    assert shop.romi("backup", "--to", str(shop.folder / "backups"), "--no-trial")[0] == 0
    book = shop.warehouse / "books" / "backups.jsonl"
    book.unlink()
    code, told = shop.romi("run")
    assert (code, shop.rows()) == (1, before)
    [failure] = told["failures"]
    assert f"the book {book} is missing; 1 lines are remembered" in failure
    assert "put it back from a backup" in failure
    assert "accept-loss --published" in failure


@pytest.mark.slow  # tests/operations/store/memory/test_lost_files.py renames one without a build
def test_a_region_that_was_renamed_in_its_folder_and_its_configuration_is_never_published_twice(shop):
    shop.configure("regions: {eu: {}, us: {}}\nprivacy: {k_anonymity: 1}\n")
    for region in ("eu", "us"):
        shop.archive(region, 0, [order(f"{region}-o1", "2026-03-02T10:00:00Z", f"{region}-1", 100)])
    assert shop.romi("run")[0] == 0
    (shop.landing / "eu").rename(shop.landing / "europe")
    shop.configure("regions: {europe: {}, us: {}}\nprivacy: {k_anonymity: 1}\n")
    for number in (2, 3):  # and not at the second run either, nor with something new beside it
        for region in ("europe", "us"):
            one = order(f"{region}-o{number}", "2026-03-03T10:00:00Z", f"{region}-{number}", 50)
            shop.archive(region, number, [one])
        code, told = shop.romi("run")
        assert code == 1
        assert shop.query("select region, sum(revenue)::int from finance.orders_daily group by all order by all") == [
            ("eu", 100), ("us", 50 * number + 50)
        ]  # fmt: skip
        assert any("1 of its files with 1 records are in the books of region eu" in one for one in told["failures"])
        assert any("give it its old name again in the landing zone and in romi.yaml" in one for one in told["failures"])
    (shop.landing / "europe").rename(shop.landing / "eu")
    shop.configure("regions: {eu: {}, us: {}}\nprivacy: {k_anonymity: 1}\n")
    assert shop.romi("run")[0] == 0
    assert shop.query("select region, sum(revenue)::int from finance.orders_daily group by all order by all") == [
        ("eu", 200), ("us", 200)
    ]  # fmt: skip
