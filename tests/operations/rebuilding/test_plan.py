"""Late, changed and newly linked data: rebuilding what the plan names gives the same as building from nothing."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.books import region_file
from ingestion.load import load_region
from operations.rebuilding import finality, plan, rebuild
from operations.rebuilding.engine import Graph, engine_of, manifest
from operations.rebuilding.plan import split_windows
from settings import Settings

FIRST = datetime(2026, 1, 20, tzinfo=UTC)
_DATES = {"channel": "Email", "from": "2026-02-05", "to": "2026-02-20"}
EXPERIMENTS = {
    "banner": {**_DATES, "control": ["without"]},
    "mail": {**_DATES, "assignment": "pseudonym", "control_share": "0.5"},
    "north": {**_DATES, "assignment": "geography", "control": ["DE-1", "DE-2"], "pre_days": 14},
}
CAMPAIGNS = [("google", "cpc", "brand"), ("bing", "cpc", "77"), ("newsletter", "email", "w9"), ("x", "cpc", "late"),
             ("Newsletter", "email", "W9"), ("newsletter", "email", "w%39"), ("x", "cpc", "Late")]  # fmt: skip
LEDGER = ["order_id", "ordered_at", "status", "revenue", "refunded", "cogs", "currency", "updated_at"]


class Traffic:
    """A few people with several devices, near midnight more often than not, so that sessions and days get entangled."""

    def __init__(self, seed: int) -> None:
        self.rng, self.made = random.Random(seed), 0

    def moment(self) -> datetime:
        day = FIRST + timedelta(days=self.rng.randrange(45))
        minutes = self.rng.choice([self.rng.randrange(1440), 1440 + self.rng.randrange(-50, 50)])
        return day + timedelta(minutes=minutes)

    def record(self) -> dict:
        self.made += 1
        at = self.moment().isoformat()
        person = self.rng.randrange(4)
        record = {"messageId": f"m{self.made:05d}", "type": "page", "timestamp": at, "context": {}}
        record["context"]["consent"] = {"categoryPreferences": {"Analytics": True}}
        if self.rng.random() < 0.9:
            record["anonymousId"] = f"a{self.rng.choice([person, person + 4, 9])}"
        if "anonymousId" not in record or self.rng.random() < 0.15:
            record["userId"] = f"u{person}"
        if self.rng.random() < 0.4:
            record["context"]["campaign"] = dict(
                zip(("source", "medium", "name"), self.rng.choice(CAMPAIGNS), strict=True)
            )
        if self.rng.random() < 0.25:
            order = {"order_id": f"o{self.rng.randrange(25)}", "revenue": self.rng.randrange(9999) / 100}
            order |= {"total": order["revenue"] / 2, "currency": self.rng.choice(["EUR", "EUR", "USD"])}
            event = self.rng.choice(["Order Completed"] * 5 + ["Order Refunded", "Order Cancelled"])
            record |= {"type": "track", "event": event, "properties": order}
        elif self.rng.random() < 0.1:
            shown = {"experiment_id": "banner", "variation_id": self.rng.choice(["with", "without"])}
            record |= {"type": "track", "event": "Experiment Viewed", "properties": shown}
            record["context"]["location"] = {"region": f"DE-{self.rng.randrange(6)}"}
        return record

    def order(self) -> list[str]:
        # The ledger may give an order a day that is months from its touches.
        at = (self.moment() + timedelta(days=self.rng.choice([0, 0, 120, 150, -100]))).isoformat()
        status = self.rng.choice(["completed", "completed", "cancelled", "partially_refunded"])
        revenue = str(self.rng.randrange(9999) / 100)
        return [f"o{self.rng.randrange(30)}", at, status, revenue, "1.00" if "part" in status else "", "", "EUR", at]

    def cost(self) -> list[str]:
        day = (FIRST + timedelta(days=self.rng.randrange(45))).date().isoformat()
        number, name = self.rng.choice([("1", "brand"), ("77", "Bing"), ("77", "Bing renamed"), ("3", "LATE")])
        return [day, number, name, "9", "1", str(self.rng.randrange(500) / 100), self.rng.choice(["EUR", "USD"])]


def _write(path: Path, rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def _deliver(landing: Path, number: int, traffic: Traffic, records: int) -> None:
    """One delivery: an archive, and every second time files of the ledger, of cost and of rates."""
    folder = landing / "eu" / "events" / "topics" / "web" / "partition=0"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(traffic.record()) for _ in range(records)]
    (folder / f"web+0+{number * 1000:010d}.json").write_text("\n".join(lines) + "\n")
    if number % 2:
        _write(landing / "eu" / "ledger" / f"{number}.csv", [LEDGER, *[traffic.order() for _ in range(6)]])
        header = ["date", "campaign_id", "campaign_name", "impressions", "clicks", "spend", "currency"]
        _write(landing / "eu" / "spend" / "google_ads" / f"{number}.csv", [header, *[traffic.cost() for _ in range(8)]])
    quoted = [[(FIRST.date() + timedelta(days=n)).isoformat(), str(1 + n / 100)] for n in range(-3, 5 * number, 3)]
    _write(landing / "fx" / "eurofxref-hist.csv", [["Date", "USD"], *quoted])


def _build(settings: Settings) -> None:
    load_region(settings, "eu")
    with region_file(settings, "eu") as con:
        plan.plan(con, settings, "eu")
        windows = plan.windows(con)
    for first, last in windows:
        first, last = rebuild.begin(settings, "eu", first, last)
        built = engine_of(settings).build(settings, "eu", first, last)
        rebuild.mark_built(settings, "eu", first, last, built)
        rebuild.settle(settings, "eu", first, last)


def _tables(settings: Settings) -> dict[str, list[tuple]]:
    with region_file(settings, "eu", read_only=True) as con:
        names = con.execute("""
            select schema_name, table_name from duckdb_tables() where schema_name in ('intermediate', 'finance')
            order by all""").fetchall()
        found = {f"{schema}.{name}": con.execute(f"from {schema}.{name}").fetchall() for schema, name in names}
    # Rates are kept for every day of a window, used or not; and steps tell of the builds that took them.
    of_builds = ("int_fx__daily_rates", "int_privacy__published_credits", "int_privacy__published_currencies",
                 "int_privacy__published_cohorts", "int_privacy__published_fates",
                 "int_privacy__proofs")  # fmt: skip
    return {
        name: sorted(rows, key=repr)
        for name, rows in found.items()
        if name.removeprefix("intermediate.") not in {*of_builds, *Graph.of(manifest()).passing}
    }


@pytest.mark.parametrize(
    ("seed", "deliveries"), [(1, 2), *[pytest.param(seed, 5, marks=pytest.mark.slow) for seed in range(1, 23)]]
)
def test_tables_after_random_late_deliveries_equal_those_of_a_build_from_nothing(
    tmp_path, monkeypatch, seed, deliveries
):
    monkeypatch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    monkeypatch.setattr(finality, "FINAL_AFTER", timedelta(days=365))  # what is final is not rebuilt
    common = {"landing": str(tmp_path / "landing"), "privacy": {"k_anonymity": 1},
              "regions": {"eu": {"timezone": "Europe/Berlin"}}, "experiments": EXPERIMENTS}  # fmt: skip
    bit_by_bit = Settings(warehouse=tmp_path / "bit_by_bit", **common)
    at_once = Settings(warehouse=tmp_path / "at_once", **common)
    traffic = Traffic(seed)
    for number in range(deliveries):
        _deliver(tmp_path / "landing", number, traffic, records=120 if number == 0 else 8)
        _build(bit_by_bit)
    _build(at_once)

    late, whole = _tables(bit_by_bit), _tables(at_once)
    for name in whole:
        assert late[name] == whole[name], name


def test_one_day_is_rebuilt_where_an_experiment_may_have_changed(tmp_path):
    def pending(experiments=None, change=None):
        settings = Settings(warehouse=tmp_path, experiments=experiments)
        with region_file(settings, "eu") as con:
            if change:
                con.execute("insert into ops.changes values (?, null, '1')", [change])
            plan.plan(con, settings, "eu")
            days = con.execute("select day, reason from ops.pending_days").fetchall()
            con.execute("delete from ops.pending_days")
        return days

    with region_file(Settings(warehouse=tmp_path), "eu") as con:
        con.execute(
            "insert into ops.days"
            " select date '2026-03-01' + n::integer, 1, null, 'rebuilt', false from range(9) as t (n)"
            " union all values ('2026-04-01', 0, null, 'nothing', true)"
        )
        con.execute("create schema intermediate; create table intermediate.int_orders__conversions (order_id varchar,"
                    " ordered_on date, converted_at timestamp, person_id uuid, currency varchar);"
                    " create table intermediate.int_attribution__touch_credits (order_id varchar)")  # fmt: skip
        for name, more in (("starts", ", campaign_name varchar"), ("touchpoints", "")):
            con.execute(f"create table intermediate.int_sessions__{name} (person_id uuid, touched_on date,"
                        f" touched_at timestamp, campaign_id varchar{more})")  # fmt: skip
    last_day = [(date(2026, 3, 9), "experiments")]
    assert len(pending()) == 9
    assert pending() == pending(change="archive") == []
    one = {"banner": EXPERIMENTS["banner"]}
    assert pending(one) == last_day
    assert pending(one) == []
    assert pending(one, change="archive") == last_day
    assert pending({"banner": {**EXPERIMENTS["banner"], "confidence": "0.9"}}) == last_day
    assert pending() == last_day
    assert pending() == []


def test_windows_are_ascending_and_few_and_no_two_share_a_month():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in (0, 1, 20, 31, 32, 90)]
    assert split_windows(days) == [(days[0], days[2]), (days[3], days[4]), (days[5], days[5])]
    scattered = [date(2026, 1, 1) + timedelta(days=n * n) for n in range(30)]
    windows = split_windows(scattered)
    assert len(windows) <= plan.MAX_WINDOWS
    assert all(any(first <= day <= last for first, last in windows) for day in scattered)
    assert split_windows([]) == []
