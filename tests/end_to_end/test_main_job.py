"""`romi run` as its users meet it: books, money, withheld days, late data, nothing new."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from operations import sample_shop
from settings import WAREHOUSE_FORMAT
from settings.formats import OLDEST_FORMAT
from tests.end_to_end import canary
from tests.end_to_end.conftest import campaign, order, page

K1 = "privacy: {k_anonymity: 1}\n"
LEDGER = {
    "order_id": "",
    "ordered_at": "",
    "status": "completed",
    "revenue": "",
    "refunded": "",
    "cogs": "",
    "currency": "EUR",
    "updated_at": "",
}
MODELS = [
    "counterfactual", "first_touch", "last_non_direct", "last_touch", "linear", "markov", "position_based", "shapley",
    "time_decay",
]  # fmt: skip


def ledger_row(order_id: str, at: str, revenue: str, **columns: str) -> dict:
    return {**LEDGER, "order_id": order_id, "ordered_at": at, "revenue": revenue, "updated_at": at, **columns}


@pytest.fixture
def sample(shop):
    """The sample shop, small, and what is true of it."""
    # Not encrypted, so that what its bytes hold can be looked at.
    shop.configure(sample_shop.config_yaml() + "\nprivacy: {encryption_at_rest: false}\n")
    return sample_shop.write_landing(shop.landing, until=date(2026, 3, 19), days=6, events=3000, dirt=0.03)


def test_sample_shop_ties_to_its_books_its_ledger_and_itself_and_a_second_run_changes_nothing(shop, sample):
    code, outcome = shop.romi("run", "--workers", "2")  # as on a machine of two cores, where nobody says how many
    assert (code, outcome["version"], outcome["withheld"]) == (0, 1, {})

    _, status = shop.romi("status")
    for region, truth in sample.regions.items():
        books = status["regions"][region]["records"]
        dead = {f"dead_letter:{reason}": count for reason, count in books.pop("dead_letter").items()}
        assert books.pop("read") == truth.records == sum(truth.fates.values())
        assert {fate: count for fate, count in (books | dead).items() if count} == truth.fates
        assert shop.query(f"select sum(orders) from finance.orders_daily where region = '{region}'") == [
            (truth.orders,)
        ]

    # Every model hands out exactly what the orders of the day brought, by region, to the cent.
    measures = "sum(revenue), sum(refunds), sum(cogs), sum(margin)"
    orders = shop.query(
        f"select date, region, sum(orders), {measures} from finance.orders_daily group by all order by all"
    )
    assert shop.query("select distinct attribution_model from finance.romi_daily order by 1") == [
        (one,) for one in MODELS
    ]
    for model in MODELS:
        credited = shop.query(f"""
            select date, region, sum(conversions), {measures} from finance.romi_daily
            where attribution_model = '{model}' group by all having sum(conversions) > 0 order by all""")
        assert credited == orders
    assert shop.query(
        "select sum(ledger_revenue - warehouse_revenue) from finance.reconciliation_daily where missing_in_ledger = 0"
    ) == [(0,)]

    link, built = (shop.warehouse / "published").readlink(), (shop.warehouse / "published" / "marts.duckdb").stat()
    code, outcome = shop.romi("run")
    assert (code, outcome["version"], outcome["rebuilt_days"]) == (0, None, 0)
    assert (shop.warehouse / "published").readlink() == link
    assert (shop.warehouse / "published" / "marts.duckdb").stat() == built
    nobody_stands_in_any_file(shop)


def nobody_stands_in_any_file(shop):
    """Outside the landing zone: what Dagster and dbt wrote, databases and Parquet, books, keys, and a backup of all."""
    assert shop.romi("backup")[0] == 0
    names = canary.identifiers(shop.landing)
    assert all(len(found) > 20 for found in names.values())
    search = canary.Search(set().union(*names.values()))
    assert canary.in_landing(search, shop.landing) == set().union(*names.values()), "the control"
    outside = [one for one in shop.folder.iterdir() if one.is_dir() and one != shop.landing]
    assert {"warehouse", "warehouse.backups"} <= {one.name for one in outside}
    assert canary.in_files(search, *outside) == {}


@pytest.mark.slow
def test_day_with_an_order_in_a_currency_without_a_rate_is_withheld_until_the_rate_comes(shop):
    shop.configure(K1)
    shop.table("eu", "ledger/orders.csv", [
        ledger_row("o-1", "2026-03-02T10:00:00Z", "10.00"),
        ledger_row("o-2", "2026-03-03T10:00:00Z", "20.00", currency="GBP"),
    ])  # fmt: skip
    shop.table("us", "ledger/orders.csv", [ledger_row("o-3", "2026-03-03T10:00:00Z", "30.00")])

    code, outcome = shop.romi("run")

    assert code == 3
    assert list(outcome["withheld"]) == ["eu"]
    assert "GBP" in outcome["withheld"]["eu"]["2026-03-03"]
    days = "select region, date::varchar, revenue from finance.orders_daily order by all"
    assert shop.query(days) == [("eu", "2026-03-02", Decimal("10.00")), ("us", "2026-03-03", Decimal("30.00"))]

    (shop.landing / "fx").mkdir()
    (shop.landing / "fx" / "eurofxref-hist.csv").write_text("Date,USD,GBP,\n2026-03-02,1.1,0.8,\n")
    code, outcome = shop.romi("run")

    assert (code, outcome["withheld"]) == (0, {})
    assert ("eu", "2026-03-03", Decimal("25.00")) in shop.query(days)


@pytest.mark.slow
def test_late_data_gives_the_same_marts_as_if_it_had_come_in_time(shop, tmp_path_factory):
    early = [
        page("m1", "2026-02-20T10:00:00Z", context=campaign("google", "cpc", "brand")),
        page("m2", "2026-02-20T23:50:00Z", "a-2"),
        order("m3", "2026-03-04T12:00:00Z", "o-1", 50),
        order("m4", "2026-03-05T12:00:00Z", "o-2", 70, "a-2"),
    ]
    late = [
        page("m5", "2026-02-20T23:40:00Z", "a-2", context=campaign("bing", "cpc", "late")),
        page("m6", "2026-02-21T00:05:00Z", "a-2", context=campaign("bing", "cpc", "late")),
        page("m7", "2026-03-01T09:00:00Z", context=campaign("newsletter", "email", "w9")),
        {**page("m8", "2026-03-06T09:00:00Z", "a-2", userId="u-1"), "type": "identify"},
        {**page("m9", "2026-03-06T10:00:00Z", "a-1", userId="u-1"), "type": "identify"},
    ]
    cost = [
        {
            "date": "2026-02-20",
            "campaign_id": "77",
            "campaign_name": "Brand",
            "impressions": 10,
            "clicks": 2,
            "spend": "5.00",
            "currency": "EUR",
        }
    ]
    shop.configure(K1)
    shop.archive("eu", 0, early)
    assert shop.romi("run")[0] == 0
    before = shop.rows()
    shop.archive("eu", 4, late)
    shop.table("eu", "spend/google_ads/cost.csv", cost)
    shop.table("eu", "ledger/orders.csv", [ledger_row("o-1", "2026-03-04T12:30:00Z", "49.90", refunded="9.90")])
    assert shop.romi("run")[0] == 0

    in_time = type(shop)(tmp_path_factory.mktemp("in_time"))
    in_time.configure(K1)
    in_time.archive("eu", 0, early + late)
    in_time.table("eu", "spend/google_ads/cost.csv", cost)
    in_time.table("eu", "ledger/orders.csv", [ledger_row("o-1", "2026-03-04T12:30:00Z", "49.90", refunded="9.90")])
    assert in_time.romi("run")[0] == 0

    assert shop.rows() == in_time.rows()
    assert shop.rows()["romi_daily"] != before["romi_daily"]


def _made_elsewhere(shop):
    shop.warehouse.mkdir()
    (shop.warehouse / "photo.jpg").touch()


def _older(shop):
    shop.warehouse.mkdir()
    (shop.warehouse / "warehouse.json").write_text('{"format": 0}')


@pytest.mark.parametrize(
    ("prepare", "arguments", "answer"),
    [
        (lambda shop: shop.landing.rename(shop.folder / "elsewhere"), ["run"], "no landing zone at"),
        (lambda shop: shop.configure("landng: x\n"), ["run"], "unknown key 'landng'; known here: landing, ware"),
        (lambda shop: shop.configure("slo: {look: 1}\n"), ["run"], "unknown key 'slo.look'; known here: accuracy"),
        (lambda shop: shop.configure("regions: {eu: {}}\n"), ["run"], "region in the landing zone: 'asia'; known: eu"),
        (_older, ["run"], f"has format 0, and this release brings forward format {OLDEST_FORMAT} and later"),
        (_made_elsewhere, ["run"], "is not a warehouse"),
        (lambda shop: shop.warehouse.write_text("a file"), ["run"], "cannot write the warehouse"),
        (lambda shop: None, ["status"], "no warehouse at"),
        (lambda shop: None, ["publish", "list"], "no warehouse at"),
    ],
)
def test_what_a_newcomer_gets_wrong_is_answered_in_one_line_with_exit_code_2(shop, prepare, arguments, answer):
    (shop.landing / "asia").mkdir()
    prepare(shop)

    code, said = shop.romi(*arguments)

    assert (code, said["exit_code"]) == (2, 2)
    assert answer in said["error"]
    assert "\n" not in said["error"]


def test_region_that_fails_holds_back_no_other(shop):
    shop.configure(K1)
    shop.table("eu", "ledger/orders.csv", [ledger_row("o-1", "2026-03-02T10:00:00Z", "10.00")])
    shop.table("us", "ledger/orders.csv", [ledger_row("o-2", "2026-03-02T10:00:00Z", "20.00")])
    (shop.warehouse / "regions").mkdir(parents=True)
    (shop.warehouse / "warehouse.json").write_text(json.dumps({"format": WAREHOUSE_FORMAT}))
    (shop.warehouse / "regions" / "eu.duckdb").write_bytes(b"no database" * 1000)

    code, outcome = shop.romi("run")

    assert code == 1
    assert any(line.startswith("eu: ingest") for line in outcome["failures"])
    assert shop.query("select region, revenue from finance.orders_daily") == [("us", Decimal("20.00"))]
    assert json.dumps(outcome["failures"]).count("\\n") == 0


@pytest.mark.slow
def test_rollback_stays_until_it_is_unpinned(shop):
    shop.configure(K1)
    shop.table("eu", "ledger/orders.csv", [ledger_row("o-1", "2026-03-02T10:00:00Z", "10.00")])
    assert shop.romi("run")[1]["version"] == 1
    shop.table("eu", "ledger/more.csv", [ledger_row("o-2", "2026-03-02T11:00:00Z", "5.00")])
    assert shop.romi("run")[1]["version"] == 2
    revenue = "select sum(revenue) from finance.orders_daily"

    assert shop.romi("publish", "rollback", "1") == (0, {"current": 1, "pinned": 1})
    assert shop.query(revenue) == [(Decimal("10.00"),)]
    shop.table("eu", "ledger/most.csv", [ledger_row("o-3", "2026-03-02T12:00:00Z", "1.00")])
    code, outcome = shop.romi("run")
    assert (code, outcome["version"], outcome["pinned"]) == (0, None, 1)
    assert shop.query(revenue) == [(Decimal("10.00"),)]

    assert shop.romi("publish", "unpin") == (0, {"was_pinned": True})
    assert shop.romi("run")[1]["version"] == 3
    assert shop.query(revenue) == [(Decimal("16.00"),)]
    assert shop.romi("publish", "rollback", "9")[0] == 2
