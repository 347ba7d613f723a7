import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from operations.sample_shop import SampleSummary, config_yaml, write_landing
from settings import UnknownValueError, load_settings

UNTIL = date(2026, 3, 31)
TINY = {"until": UNTIL, "days": 5, "events": 500}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    root = tmp_path_factory.mktemp("landing")
    return root, write_landing(root, until=UNTIL, days=40, events=18_000, dirt=0.03)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    root = tmp_path_factory.mktemp("clean")
    return root, write_landing(root, until=UNTIL, days=40, events=6_000, regions=("eu",), dirt=0)


def archives(root: Path, region: str) -> list[Path]:
    return sorted((root / region / "events" / "topics").rglob("*.json*"))


def lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()


def events(root: Path, region: str) -> Iterator[dict]:
    for path in archives(root, region):
        for line in lines(path):
            yield json.loads(line, parse_float=Decimal)


def rows(folder: Path) -> list[dict[str, str]]:
    found = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as file:
            found += list(csv.DictReader(file))
    return found


def ledger(root: Path, region: str) -> dict[str, dict[str, str]]:
    """The row that counts of each order."""
    latest = sorted(rows(root / region / "ledger"), key=lambda row: datetime.fromisoformat(row["updated_at"]))
    return {row["order_id"]: row for row in latest}


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path):
    first = write_landing(tmp_path / "a", **TINY)
    second = write_landing(tmp_path / "b", **TINY)
    write_landing(tmp_path / "c", **TINY, seed=8)
    assert first == second
    assert contents(tmp_path / "a") == contents(tmp_path / "b") != contents(tmp_path / "c")


def test_the_summary_counts_every_line(shop):
    root, summary = shop
    for region, found in summary.regions.items():
        written = [line for path in archives(root, region) for line in lines(path)]
        assert len(written) == found.records == sum(found.fates.values())
        assert len(archives(root, region)) == found.archives
        assert found.records == 6_000 + sum(found.dirt.values()) - found.dirt["late"]
    assert summary.records == sum(found.records for found in summary.regions.values())
    with pytest.raises(FrozenInstanceError):
        summary.records = 0


@pytest.mark.parametrize("count", [0, 1, 500])
def test_a_clean_shop_has_exactly_the_events_asked_for(tmp_path, count):
    assert write_landing(tmp_path, until=UNTIL, days=5, events=count, dirt=0).records == count


def test_offsets_of_a_partition_have_no_hole(shop):
    root, _ = shop
    for region in ("eu", "us", "jp"):
        ends: Counter[tuple[str, str]] = Counter()
        for path in sorted(archives(root, region), key=lambda path: path.name):
            topic, partition, start = path.name.split(".")[0].split("+")
            assert path.parent.relative_to(root / region / "events" / "topics").parts[:2] == (
                topic,
                f"partition={partition}",
            )
            assert int(start) == ends[topic, partition]
            ends[topic, partition] += len(lines(path))
        assert set(ends) == {("web", "0"), ("web", "1"), ("orders", "0"), ("orders", "1")}


def test_some_archives_are_compressed_and_some_are_not(shop):
    assert {path.suffix for path in archives(shop[0], "eu")} == {".gz", ".json"}


def test_clean_records_are_valid_and_on_the_day_of_their_folder(clean):
    for path in archives(clean[0], "eu"):
        day = "-".join(part.split("=")[1] for part in path.parent.parts[-3:])
        for line in lines(path):
            record = json.loads(line)
            assert record["timestamp"][:10] == day
            assert record["timestamp"] <= record["receivedAt"]
            assert record["messageId"]
            assert record["anonymousId"]


def test_clean_records_each_have_their_own_message_id(clean):
    identities = [record["messageId"] for record in events(clean[0], "eu")]
    assert len(set(identities)) == len(identities) == 6_000


def test_every_kind_of_dirt_and_of_fate_comes_up(shop):
    _, summary = shop
    fates = {fate for found in summary.regions.values() for fate in found.fates}
    reasons = {
        "malformed_json",
        "invalid_encoding",
        "missing_field",
        "invalid_type",
        "invalid_timestamp",
        "future_timestamp",
        "invalid_money",
        "unknown_currency",
        "oversized_record",
    }
    kept = {"loaded", "anonymised", "no_consent", "duplicate", "bot"}
    assert fates == kept | {f"dead_letter:{reason}" for reason in reasons}
    assert sum(found.dirt["late"] for found in summary.regions.values()) > 0


def test_duplicates_repeat_a_kept_record_to_the_byte(shop):
    root, summary = shop
    for region, found in summary.regions.items():
        copies = Counter(line for path in archives(root, region) for line in lines(path))
        repeated = [line for line, count in copies.items() for _ in range(count - 1) if line.startswith(b"{")]
        assert len(repeated) == found.dirt["duplicate_same_day"] + found.dirt["duplicate_later_day"]
        assert found.fates["duplicate"] == sum(map(is_kept if region == "eu" else bool, map(json.loads, repeated)))


def is_kept(record: dict) -> bool:
    """In eu, where consent is denied unless given; orders are kept without a person."""
    given = record["context"].get("consent", {}).get("categoryPreferences", {}).get("Analytics", False)
    return given or str(record.get("event")).startswith("Order ")


def test_consent_in_eu_is_given_denied_or_not_spoken_of(clean):
    root, summary = clean
    found = list(events(root, "eu"))
    answers = Counter(
        record["context"].get("consent", {}).get("categoryPreferences", {}).get("Analytics") for record in found
    )
    assert 0.15 < answers[False] / len(found) < 0.35
    assert answers[None] > 0
    assert summary.regions["eu"].fates["no_consent"] == sum(not is_kept(record) for record in found)


def test_the_orders_of_events_and_ledger_come_to_the_summary(clean):
    root, summary = clean
    found = summary.regions["eu"]
    tracked = {r["properties"]["order_id"]: r for r in events(root, "eu") if r.get("event") == "Order Completed"}
    booked = ledger(root, "eu")
    assert (len(tracked), len(booked)) == (found.event_orders, found.ledger_orders)
    assert len(booked.keys() - tracked.keys()) == found.phone_orders
    assert len(tracked.keys() - booked.keys()) == found.event_only_orders

    revenue: Counter[str] = Counter()
    for order_id in tracked.keys() | booked.keys():
        row = booked.get(order_id) or tracked[order_id]["properties"]
        if row.get("status") != "cancelled":
            revenue[row["currency"]] += int(Decimal(row["revenue"]) * 100)
    assert dict(revenue) == found.revenue_minor
    refunds = Counter(row["status"] for row in booked.values())
    assert refunds["refunded"] + refunds["partially_refunded"] == found.refunded_orders


def test_ledger_and_events_agree_on_what_an_order_came_to(clean):
    root, _ = clean
    booked = ledger(root, "eu")
    for record in events(root, "eu"):
        row = booked.get(record["properties"].get("order_id", ""))
        if row and record["event"] == "Order Completed":
            assert Decimal(row["revenue"]) == Decimal(record["properties"]["revenue"])
        if row and record["event"] == "Order Refunded":
            assert 0 < Decimal(row["refunded"]) <= Decimal(record["properties"]["total"])
        if row and record["event"] == "Order Cancelled":
            assert row["status"] == "cancelled"


def test_yen_have_no_decimals(shop):
    amounts = [row["revenue"] for row in ledger(shop[0], "jp").values() if row["currency"] == "JPY"]
    assert amounts
    assert all(amount.isdigit() for amount in amounts)


def test_buyers_come_back_over_days_before_they_order(clean):
    visits: dict[str, set[str]] = defaultdict(set)
    paths = []
    for record in sorted(events(clean[0], "eu"), key=lambda record: record["timestamp"]):
        if record.get("event") == "Order Completed":
            paths.append(len(visits[record["anonymousId"]]))
        elif record["type"] == "page":
            visits[record["anonymousId"]].add(record["timestamp"][:10])
    assert max(paths) >= 4
    assert sum(days > 1 for days in paths) > len(paths) / 3


def test_people_log_in_and_some_on_two_devices(clean):
    devices: dict[str, set[str]] = defaultdict(set)
    for record in events(clean[0], "eu"):
        if "userId" in record:
            devices[record["userId"]].add(record["anonymousId"])
    assert len(devices) > 20
    assert any(len(found) == 2 for found in devices.values())


def test_campaigns_are_tagged_in_every_way_and_meet_the_spend(clean):
    root, _ = clean
    paid = {row["campaign.name"].lower() for row in rows(root / "eu/spend/google_ads")}
    landings = [record for record in events(root, "eu") if record["type"] == "page"]
    named = {r["context"]["campaign"]["name"].lower() for r in landings if "campaign" in r["context"]}
    only_url = [
        r for r in landings if "campaign" not in r["context"] and "utm_campaign=" in r["context"]["page"]["url"]
    ]
    only_click = [r for r in landings if "?gclid=" in r["context"]["page"]["url"]]
    assert paid <= named
    assert only_url
    assert only_click
    assert any("chatgpt.com" in r["context"]["page"]["referrer"] for r in landings)


def test_spend_has_each_platform_own_columns_and_a_restated_row(clean):
    root, summary = clean
    google, meta, letter = (rows(root / "eu/spend" / name) for name in ("google_ads", "meta_ads", "newsletter"))
    counted = {(r["segments.date"], r["campaign.id"]): int(r["metrics.cost_micros"]) // 10_000 for r in google}
    counted |= {(r["date_start"], r["campaign_id"]): int(Decimal(r["spend"]) * 100) for r in meta}
    counted |= {(r["date"], r["campaign_id"]): int(Decimal(r["spend"]) * 100) for r in letter}
    assert {row["channel"] for row in letter} == {"Email"}
    assert len(google) > len({(row["segments.date"], row["campaign.id"]) for row in google})
    assert sum(counted.values()) == summary.regions["eu"].spend_minor


def test_rates_are_as_the_ecb_publishes_them(shop):
    header, *days = (shop[0] / "fx" / "eurofxref-hist.csv").read_text().splitlines()
    assert header.startswith("Date,USD,JPY,")
    assert header.endswith(",")
    dates = [date.fromisoformat(line.split(",")[0]) for line in days]
    assert dates == sorted(dates, reverse=True)
    assert all(day.weekday() < 5 for day in dates)
    assert dates[0] == UNTIL
    assert "N/A" in days[0].split(",")


def test_personal_data_is_there_to_be_looked_for(shop):
    root, _ = shop
    text = b"".join(line for path in archives(root, "us") for line in lines(path))
    for canary in (b"@example.com", b'"ip":"192.0.2.', b'"phone":"', b'"name":"', b"Mozilla/5.0", b"?utm_source="):
        assert canary in text


def test_progress_ends_at_the_number_of_records(tmp_path):
    seen: list[int] = []
    summary = write_landing(tmp_path, **TINY, progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) == 15
    assert seen[-1] == summary.records


def test_an_unknown_region_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownValueError, match="eu, jp, us"):
        write_landing(tmp_path, **TINY, regions=("mars",))
    assert not list(tmp_path.iterdir())


def test_its_configuration_is_valid_and_names_the_three_regions(tmp_path):
    path = tmp_path / "romi.yaml"
    path.write_text(config_yaml())
    regions = load_settings(path).regions or {}
    assert {name: (region.timezone, region.consent_default) for name, region in regions.items()} == {
        "eu": ("Europe/Berlin", "denied"),
        "us": ("America/New_York", "granted"),
        "jp": ("Asia/Tokyo", "granted"),
    }
