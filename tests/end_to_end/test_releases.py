"""A month that is over is released by `romi run`, from landed archives to the budget book, once."""

import json
from datetime import date

import pytest

from operations.dp_release.releases import budget_book
from settings import WAREHOUSE_FORMAT, load_settings
from tests.end_to_end.conftest import campaign, order, page

# So little noise that a cent can be told.
CONFIG = "privacy: {k_anonymity: 1, epsilon_per_month: 1000000000}\n"
FEBRUARY = date(2026, 2, 1)


@pytest.mark.slow
def test_month_is_released_by_the_run_after_it_is_settled_and_never_again(shop):
    shop.configure(CONFIG)
    shop.table("eu", "spend/google_ads/a.csv", [
        {"date": "2026-02-03", "campaign_id": "1", "campaign_name": "brand", "spend": "5", "currency": "EUR"},
    ])  # fmt: skip
    shop.archive("eu", 0, [
        page("m1", "2026-02-03T10:00:00Z", "a-1", context=campaign("google", "cpc", "brand")),
        order("m2", "2026-02-04T10:00:00Z", "o-1", "100.01", "a-1"),
        page("m3", "2026-02-05T10:00:00Z", "a-2", context=campaign("newsletter", "email", "w9")),
        order("m4", "2026-02-28T10:00:00Z", "o-2", "2000", "a-2"),
        page("m5", "2026-03-09T10:00:00Z", "a-1"),
    ])  # fmt: skip
    book = budget_book(load_settings(shop.folder / "romi.yaml", warehouse=shop.warehouse), "eu")

    assert shop.romi("run")[0] == 0
    ((key, draw),) = book.draws().items()
    assert key == (FEBRUARY, "first")
    money = {name: round(cents / 100) for name, cents in draw.result["channels"]["net_revenue"].items()}
    assert {name: euros for name, euros in money.items() if euros} == {"Paid Search": 100, "Email": 600}

    stored = book.path.read_bytes()
    shop.archive("eu", 5, [order("m6", "2026-02-10T10:00:00Z", "o-3", "50", "a-1")])
    assert shop.romi("run")[0] == 0
    assert book.path.read_bytes() == stored


@pytest.mark.slow
def test_lost_budget_book_fails_the_release_in_one_line_and_publishes_the_rest(shop, monkeypatch):
    shop.configure(CONFIG)
    shop.archive("eu", 0, [page("m1", "2026-03-01T10:00:00Z"), order("m2", "2026-03-02T10:00:00Z", "o-1", 5)])
    book = budget_book(load_settings(shop.folder / "romi.yaml", warehouse=shop.warehouse), "eu").path
    book.parent.mkdir(parents=True)
    book.write_text("not a book\n")
    (shop.warehouse / "warehouse.json").write_text(json.dumps({"format": WAREHOUSE_FORMAT}))
    code, outcome = shop.romi("run")
    assert (code, outcome["version"]) == (1, 1)
    assert outcome["failures"] == [f"eu: release: the book {book} cannot be read: restore it first"]
