"""Three months closed one by one, while late orders, refunds, restated cost and changed rules move what is true.

The truth is reckoned here from what the shop landed, by arithmetic that knows nothing of the models.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import duckdb
import pyarrow.fs as pafs
import pytest

from tests.end_to_end.conftest import Shop, campaign, order, page
from tests.kit.object_store import object_store, options

CENT = Decimal("0.01")
CONFIG = "regions: {{eu: {{margin_rate: {rate}}}}}\nprivacy: {{k_anonymity: 1}}\n"


@dataclass(frozen=True)
class Order:
    id: str
    day: str
    revenue: Decimal
    refunded: Decimal = Decimal(0)
    currency: str = "EUR"


class Ledger:
    """A shop of a few orders and costs, with rates, as it lands and as it ought to be read."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.orders: dict[str, Order] = {}
        self.cost: dict[str, Decimal] = {}  # by day
        self.rates: dict[str, Decimal] = {}  # US dollars for a euro, by day
        self.margin_rate = Decimal("0.5")
        self.deliveries = 0
        self.offset = 0

    def configure(self, rate: str) -> None:
        self.margin_rate = Decimal(rate)
        self.shop.configure(CONFIG.format(rate=rate))

    def land(
        self, through: str, *orders: Order, cost: dict[str, str] | None = None, rates: dict[str, str] | None = None
    ) -> None:
        """New or changed orders, costs and rates; the ledger then goes on to the day `through`."""
        self.deliveries += 1
        fresh = [one for one in orders if one.id not in self.orders]
        self.orders |= {one.id: one for one in orders}
        records = [
            record for one in fresh for record in (
                page(f"p-{one.id}", f"{one.day}T08:00:00Z", f"a-{one.id}", context=campaign("google", "cpc", "brand")),
                order(f"o-{one.id}", f"{one.day}T09:00:00Z", one.id, float(one.revenue), f"a-{one.id}",
                      currency=one.currency),
            )
        ]  # fmt: skip
        records.append(page(f"last-{self.deliveries}", f"{through}T10:00:00Z", "a-last"))
        self.shop.archive("eu", self.offset, records)
        self.offset += len(records)
        self.shop.table("eu", "ledger/orders.csv", [
            {"order_id": one.id, "ordered_at": f"{one.day}T09:00:00Z", "revenue": one.revenue,
             "status": "partially_refunded" if one.refunded else "completed", "refunded": one.refunded, "cogs": "",
             "currency": one.currency, "updated_at": f"{through}T11:00:00Z"}
            for one in self.orders.values()
        ])  # fmt: skip
        if cost:
            self.cost |= {day: Decimal(amount) for day, amount in cost.items()}
            self.shop.table("eu", f"spend/google_ads/{self.deliveries:03}.csv", [
                {"date": day, "campaign_id": "7", "campaign_name": "brand", "impressions": 10, "clicks": 1,
                 "spend": amount, "currency": "EUR"} for day, amount in cost.items()
            ])  # fmt: skip
        if rates:
            self.rates |= {day: Decimal(rate) for day, rate in rates.items()}
            path = self.shop.landing / "fx" / "eurofxref-hist.csv"
            path.parent.mkdir(exist_ok=True)
            lines = [f"{day},{rate}," for day, rate in sorted(self.rates.items(), reverse=True)]
            path.write_text("\n".join(["Date,USD,", *lines]) + "\n")

    def truth(self, month: str) -> dict[str, Decimal]:
        """What the month comes to, by order and to the cent."""
        told = dict.fromkeys(("orders", "revenue", "refunds", "cogs", "spend"), Decimal(0))
        for one in self.orders.values():
            if one.day.startswith(month):
                revenue, refunded = (self._euros(amount, one) for amount in (one.revenue, one.refunded))
                told["orders"] += 1
                told["revenue"] += revenue
                told["refunds"] += refunded
                kept = revenue - refunded
                told["cogs"] += kept - (kept * self.margin_rate).quantize(CENT, ROUND_HALF_EVEN)
        told["spend"] = sum((cost for day, cost in self.cost.items() if day.startswith(month)), Decimal(0))
        return told

    def _euros(self, amount: Decimal, one: Order) -> Decimal:
        if one.currency == "EUR":
            return amount
        day = max(day for day in self.rates if day <= one.day)
        return (amount / self.rates[day]).quantize(CENT, ROUND_HALF_EVEN)


def told(shop: Shop, month: str, folder: Path | None = None) -> dict[str, Decimal]:
    """The month as it is published and what is booked of it, added up; and the same of the credit of each model."""
    path = (folder or (shop.warehouse / "published").resolve()) / "marts.duckdb"
    first = f"{month}-01"
    with duckdb.connect(str(path), read_only=True) as con:

        def row(query: str) -> tuple:
            return con.execute(query, {"month": first}).fetchall()[0]

        in_month = "where date_trunc('month', date) = $month::date"
        orders = row(f"""select coalesce(sum(orders), 0), coalesce(sum(revenue), 0), coalesce(sum(refunds), 0),
            coalesce(sum(cogs), 0) from finance.orders_daily {in_month}""")
        spend = row(f"select coalesce(sum(spend), 0) from finance.spend_daily {in_month}")
        models = con.execute(
            """select distinct sum(revenue), sum(refunds), sum(cogs), sum(spend) from finance.romi_monthly
            where month = $month::date group by attribution_model""", {"month": first}).fetchall()  # fmt: skip
        assert models in ([(*orders[1:], *spend)], []), "a month under every model is that of its orders and cost"
        later = row("""select coalesce(sum(orders), 0), coalesce(sum(revenue), 0), coalesce(sum(refunds), 0),
            coalesce(sum(cogs), 0), coalesce(sum(spend), 0) from finance.prior_period_adjustments
            where closed_month = $month::date and "table" <> 'romi_by_touch_date'""")
    whole = [Decimal(a) + Decimal(b) for a, b in zip((*orders, *spend), later, strict=True)]
    return dict(zip(("orders", "revenue", "refunds", "cogs", "spend"), whole, strict=True))


def rows_of(shop: Shop, month: str) -> dict[str, list[tuple]]:
    """The published rows of a month in every table that locks them."""
    found = {}
    for table, period in shop.query("""select table_name, min(column_name) from duckdb_columns()
        where schema_name = 'finance' and column_name in ('date', 'month') and table_name not in
        ('restatements', 'slo_daily', 'romi_by_touch_date') group by table_name"""):
        found[table] = shop.query(
            f"from finance.{table} where date_trunc('month', {period}) = '{month}-01' order by all"
        )
    return found


def closed_months(shop: Shop) -> list[str]:
    return [f"{month:%Y-%m}" for (month,) in shop.query("select month from meta.closed_months order by 1")]


@pytest.mark.slow
def test_three_months_closed_one_by_one_stay_as_they_are_and_with_adjustments_are_the_truth(shop, monkeypatch):
    ledger, kept = Ledger(shop), {}

    def run(clock: str) -> None:
        monkeypatch.setenv("ROMI_NOW", clock)
        code, outcome = shop.romi("run")
        assert (code, outcome["failures"]) == (0, [])
        check()

    def check() -> None:
        for month in ("2026-01", "2026-02", "2026-03"):
            assert told(shop, month) == ledger.truth(month), month
        for month, rows in kept.items():
            assert rows_of(shop, month) == rows, month

    def close(month: str) -> None:
        code, done = shop.romi("close", month)
        assert (code, done["state"]) == (0, "closed"), done
        kept[month] = rows_of(shop, month)
        check()

    def booked(month: str) -> int:
        return shop.query(f"""select count(distinct version) from finance.prior_period_adjustments
            where closed_month = '{month}-01'""")[0][0]  # fmt: skip

    ledger.configure("0.5")
    rates = {"2026-01-02": "1.1", "2026-01-26": "1.2", "2026-02-02": "1.05", "2026-02-25": "1.15", "2026-03-02": "1.25"}
    ledger.land(
        "2026-01-31",
        Order("1", "2026-01-10", Decimal(100)),
        Order("2", "2026-01-27", Decimal(60), currency="USD"),
        cost={"2026-01-10": "20.00", "2026-01-27": "10.00"},
        rates={day: rates[day] for day in list(rates)[:2]},
    )
    run("2026-01-31T23:00:00Z")
    code, refused = shop.romi("close", "2026-01")
    assert (code, [one["kind"] for one in refused["open"]]) == (1, ["ledger"])
    ledger.land("2026-02-05", Order("3", "2026-02-03", Decimal(40)), rates={"2026-02-02": "1.05"})
    run("2026-02-05T12:00:00Z")
    close("2026-01")
    assert booked("2026-01") == 0
    # A late order, a refund, restated cost, and a rate that the ECB corrected.
    ledger.land("2026-02-10", Order("4", "2026-01-28", Decimal("33.33")),
                replace(ledger.orders["1"], refunded=Decimal(25)), cost={"2026-01-27": "12.50"},
                rates={"2026-01-26": "1.25"})  # fmt: skip
    run("2026-02-10T12:00:00Z")
    assert booked("2026-01") == 1
    ledger.land(
        "2026-03-04",
        Order("5", "2026-02-26", Decimal(80), currency="USD"),
        Order("6", "2026-03-02", Decimal(10)),
        cost={"2026-02-26": "5.00"},
        rates={"2026-02-25": "1.15", "2026-03-02": "1.25"},
    )
    run("2026-03-04T12:00:00Z")
    close("2026-02")
    # A changed rule, and a person who is erased: the orders keep their money.
    ledger.configure("0.4")
    run("2026-03-05T12:00:00Z")
    assert (booked("2026-01"), booked("2026-02")) == (2, 1)
    assert shop.romi("dsar", "erase", "--anonymous-id", "a-5", "--yes", "--landing", str(shop.landing))[0] == 0
    check()
    ledger.land("2026-04-03", Order("7", "2026-03-20", Decimal(50)), Order("8", "2026-02-27", Decimal(15)))
    run("2026-04-03T12:00:00Z")
    close("2026-03")
    # Months that are final by now: the ledger still changes their money.
    ledger.land(
        "2026-04-20",
        replace(ledger.orders["2"], refunded=Decimal(60)),
        replace(ledger.orders["7"], refunded=Decimal(5)),
    )
    run("2026-04-20T12:00:00Z")
    assert closed_months(shop) == ["2026-01", "2026-02", "2026-03"]
    months = shop.query("select distinct booked_month from finance.prior_period_adjustments order by 1")
    assert [month for (month,) in months] == [date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)]
    for folder in sorted((shop.warehouse / "versions").glob("0*")):
        assert told(shop, "2026-01", folder)["orders"] >= 2
    verify_on_another_machine(shop, monkeypatch)
    # Opened again, the month is the truth by itself.
    before = ledger.truth("2026-03")
    code, done = shop.romi("close", "2026-03", "--reopen", "--reason", "a refund was booked twice")
    assert (code, done["state"]) == (0, "open again")
    assert told(shop, "2026-03") == before
    restated = """select count(*) from finance.restatements where why = 'the month was reopened'
        and date_trunc('month', date) = '2026-03-01'"""
    assert shop.query(restated)[0][0] > 0


def verify_on_another_machine(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the warehouse's locks, versions and public key, and a checkout of the archives as they were, are there."""
    code, done = shop.romi("close", "verify", "2026-03", "--landing", str(shop.landing))
    assert code == 1  # the ledger was delivered anew since, under the same name
    [one] = done["closes"]
    assert ["orders.csv: is not the file that was loaded" in f"{each['place'].rpartition('/')[2]}: {each['what']}"
            for each in one["differences"]] == [True]  # fmt: skip


@pytest.fixture
def closed(shop, monkeypatch):
    """January is closed, of a shop whose archives stay as they were."""
    ledger = Ledger(shop)
    ledger.configure("0.5")
    ledger.land("2026-02-05", Order("1", "2026-01-10", Decimal(100)), Order("2", "2026-01-27", Decimal(60)),
                cost={"2026-01-10": "20.00"})  # fmt: skip
    monkeypatch.setenv("ROMI_NOW", "2026-02-05T12:00:00Z")
    assert shop.romi("run")[0] == 0
    assert shop.romi("close", "2026-01")[0] == 0
    return shop


@pytest.mark.slow
def test_a_closed_month_is_made_anew_from_its_archives_on_another_machine(closed, tmp_path, monkeypatch):
    code, done = closed.romi("close", "verify", "--landing", str(closed.landing))
    assert (code, done["equal"], done["closes"][0]["differences"]) == (0, True, []), done
    assert not list(tmp_path.glob(".warehouse.beside-*"))
    public = tmp_path / "public.pem"
    public.write_text(closed.romi("keys", "public")[1]["public_key"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("warehouse", "landing"):
        shutil.copytree(getattr(closed, name), elsewhere / name, symlinks=True)
    other = Shop.__new__(Shop)
    other.folder, other.landing, other.warehouse = elsewhere, elsewhere / "landing", elsewhere / "warehouse"
    code, done = other.romi("close", "verify", "--landing", str(other.landing), "--public", str(public))
    assert (code, done["equal"]) == (0, True), done
    with object_store() as server:
        store, _ = pafs.FileSystem.from_uri(f"s3://shop?{options(server)}&allow_bucket_creation=true")
        store.create_dir("shop")
        pafs.copy_files(str(other.landing), "shop/landing", destination_filesystem=store)
        bucket = f"s3://shop/landing?{options(server)}"
        code, done = other.romi("close", "verify", "--landing", bucket, "--public", str(public))
        assert (code, done["equal"]) == (0, True), done
    # Were the archives others, it would not be equal.
    archive = next((other.landing / "eu/events").rglob("*.json"))
    archive.write_text(archive.read_text().replace("100", "101"))
    code, done = other.romi("close", "verify", "--landing", str(other.landing), "--public", str(public))
    assert code == 1
    [difference] = done["closes"][0]["differences"]
    assert difference == {"place": str(archive), "what": "is not the file that was loaded"}


@pytest.mark.slow
def test_figures_that_other_software_gives_are_told(closed):
    """Forged and signed by the very key: only making the figures anew can tell."""
    from operations.closes.close import signing_key
    from operations.closes.locks import in_force
    from operations.store.memory.keeping import remember_closes
    from operations.store.memory.marks import content_of
    from operations.store.memory.remembered import WAREHOUSE, warehouse_memory, write
    from privacy import signing
    from settings import Settings

    settings = Settings(warehouse=closed.warehouse)
    [lock] = in_force(settings)
    figures = lock.folder / "figures/finance/orders_daily.parquet"
    figures.chmod(0o640)
    duckdb.sql(f"copy (select * replace (revenue + 1 as revenue) from '{figures}') to '{figures}' (format parquet)")
    manifest = signing.verified((lock.folder / "manifest.json").read_text(), signing.public_key(signing_key(settings)))
    manifest["files"]["figures/finance/orders_daily.parquet"]["sha256"] = content_of(figures)
    (lock.folder / "manifest.json").chmod(0o640)
    (lock.folder / "manifest.json").write_text(signing.signed(signing_key(settings), manifest))
    write(settings, WAREHOUSE, warehouse_memory(settings).model_copy(update={"closes": {}}))
    remember_closes(settings)
    shutil.rmtree(closed.warehouse / "versions")
    code, done = closed.romi("close", "verify", "--landing", str(closed.landing))
    assert code == 1
    assert "finance.orders_daily" in json.dumps(done["closes"][0]["differences"])
