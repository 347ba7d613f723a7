"""A warehouse that moves to Spark, lives there and moves back, beside one of the same shop that stays on DuckDB."""

from __future__ import annotations

import shutil
from uuid import UUID

import duckdb
import pytest

from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from tests.end_to_end import canary
from tests.end_to_end.conftest import Shop, campaign, order, page
from tests.end_to_end.test_main_job import ledger_row
from tests.operations.rebuilding.engine.both_engines import PLAINLY

pytest.importorskip("pyspark")
pytest.importorskip("dbt.adapters.spark")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")]

CONFIG = f"""
regions: {{eu: {{timezone: America/New_York, margin_rate: 0.5}}}}
privacy: {{k_anonymity: 3, encryption_at_rest: false}}
spark: {{memory: 1g, shuffle_partitions: 2, settings: {PLAINLY}}}
"""
CAMPAIGNS = [("google", "cpc", "It's brand"), ("newsletter", "email", "w9"), ("bing", "cpc", "Größe ΟΔΟΣ")]
ANN = "device-of-ann"


class Both:
    """The same shop twice, over one landing zone."""

    def __init__(self, shop: Shop, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.stays, self.moves = Shop(shop.folder / "stays"), Shop(shop.folder / "moves")
        self.landing = self.moves.landing = self.stays.landing
        self.ledger: dict[str, dict] = {}
        for one in (self.stays, self.moves):
            one.configure(CONFIG)

    def romi(self, *arguments: str) -> None:
        for one in (self.stays, self.moves):
            code, told = one.romi(*arguments)
            assert code == 0, (one.folder.name, told)

    def land(self, start: int, orders: dict[str, tuple[str, str, str]], **changed: str) -> None:
        """Orders by id, each as (day, device, amount), after a visit; and what the ledger has changed its mind on."""
        records = []
        for number, (order_id, (day, device, amount)) in enumerate(orders.items()):
            visit = campaign(*CAMPAIGNS[number % len(CAMPAIGNS)])
            records.append(page(f"p-{order_id}", f"{day}T06:{number:02}:00Z", device, context=visit))
            records.append(order(f"m-{order_id}", f"{day}T07:{number:02}:00Z", order_id, float(amount), device))
            self.ledger[order_id] = ledger_row(order_id, f"{day}T07:{number:02}:00Z", amount)
        for order_id, refunded in changed.items():
            told = {"status": "partially_refunded", "refunded": refunded, "updated_at": "2026-03-10T12:00:00Z"}
            self.ledger[order_id.replace("_", "-")] |= told
        self.stays.archive("eu", start, records)
        self.stays.table("eu", "ledger/orders.csv", [*self.ledger.values()])

    def run(self, clock: str) -> None:
        self.patch.setenv("ROMI_NOW", clock)
        self.romi("run")

    def differences(self) -> dict[str, tuple[int, int]]:
        """Rows of each published table that one of them alone has."""
        with duckdb.connect() as con:
            for name in ("stays", "moves"):
                path = (getattr(self, name).warehouse / "published").resolve() / "marts.duckdb"
                con.execute(f"attach '{path}' as {name} (read_only)")
            tables = {
                side: con.execute(
                    """select schema_name || '.' || table_name from duckdb_tables()
                    where database_name = ? and table_name not like 'slo_%' order by 1""",
                    [side],
                ).fetchall()  # how long runs took is each one's own
                for side in ("stays", "moves")
            }
            assert tables["stays"] == tables["moves"]
            assert len(tables["stays"]) > 15
            found = {}
            for (table,) in tables["stays"]:
                told = "select columns(name -> name <> 'manifest_sha256')"  # a close is signed by each one's own key
                one, other = (f"{told} from {side}.{table}" for side in tables)
                [counts] = con.execute(f"""
                    select (select count(*) from ({one} except all {other})),
                        (select count(*) from ({other} except all {one}))""").fetchall()
                if any(counts):
                    found[table] = counts
            return found

    def move(self, to: str) -> None:
        code, told = self.moves.romi("move", "--to", to)
        assert (code, told["differences"], told["failures"]) == (0, [], []), told
        assert f"engine: {to}" in (self.moves.folder / "romi.yaml").read_text()


def test_a_warehouse_that_moves_to_spark_and_back_publishes_what_one_publishes_that_stays(shop, monkeypatch):
    both = Both(shop, monkeypatch)
    persons = [ANN, *(f"device-of-{number}" for number in range(11))]
    days = ["2026-02-10", "2026-02-27", "2026-03-02"]
    both.land(0, {
        f"o-{day[5:]}-{number}": (day, person, f"{10 + number}.0{number % 10}")
        for day in days for number, person in enumerate(persons)
    })  # fmt: skip
    both.run("2026-03-05T12:00:00Z")
    assert both.differences() == {}
    both.move("spark")
    both.romi("close", "2026-02")
    key = region_key(both.moves.warehouse, "eu", "pseudonym", make=False)
    ann = canary.Search([str(UUID(pseudonym(key, "anonymous", ANN))), ANN])
    assert canary.in_files(ann, both.moves.warehouse), "the control"
    both.romi("dsar", "erase", "--anonymous-id", ANN, "--yes", "--landing", str(both.landing))
    # New York's clocks go on between the two nights; late orders and a refund of the closed month.
    days = ["2026-02-26", "2026-02-27", "2026-03-08", "2026-03-09", "2026-03-09"]
    late = {f"o-late-{number}": (day, f"device-of-{number}", "33.33") for number, day in enumerate(days)}
    both.land(1000, {**late, "o-again": ("2026-03-09", ANN, "5.00")}, **{"o_02-27_3": "3.00"})
    for one in (both.stays, both.moves):  # with other rules, whose version must not tell cells of the one before
        path = one.folder / "romi.yaml"
        path.write_text(path.read_text().replace("margin_rate: 0.5", "margin_rate: 0.4"))
    both.run("2026-03-11T12:00:00Z")
    assert both.differences() == {}
    both.move("duckdb")
    both.land(2000, {"o-last": ("2026-03-11", "device-of-2", "12.00")})
    both.run("2026-03-12T12:00:00Z")
    assert both.differences() == {}
    booked = both.moves.query("select count(*) from finance.prior_period_adjustments where closed_month = '2026-02-01'")
    assert booked[0][0] > 0
    assert canary.in_files(ann, both.moves.folder / "warehouse") == {}
