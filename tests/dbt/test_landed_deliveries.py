"""Files of cost from the landing zone to a day's cost: which add up, and which of them stands."""

import csv
import io
import random
from types import SimpleNamespace

import pytest

from ingestion.books import region_file
from tests.ingestion.conftest import Zone

HEAD = ["date", "campaign_id", "hour", "impressions", "clicks", "spend", "currency"]
DAYS = ["2026-03-01", "2026-03-02"]
CASES = 8


@pytest.fixture
def zone(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_NOW", "2026-03-10T12:00:00Z")
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    return Zone(tmp_path)


def row(rng, hour):
    return [rng.choice(DAYS), rng.choice(["7", "8"]), hour, rng.randrange(99), rng.randrange(9),
            f"{rng.randrange(9999) / 100:.2f}", "EUR"]  # fmt: skip


def table(rows):
    written = io.StringIO()
    csv.writer(written).writerows([HEAD, *rows])
    return written.getvalue()


def parts(rng, folder, rows):
    """Files of one delivery, by name: each row is in one of them, and some are in two."""
    names = [f"{folder}/part_{number}.csv" for number in range(rng.randint(2, 4))]
    found = {name: [] for name in names}
    for one in rows:
        for name in rng.sample(names, rng.choice([1, 1, 1, 2])):
            found[name].append(one)
    return {name: table(rng.sample(some, len(some))) for name, some in found.items() if some}


def sums(rows):
    """Cents by day and campaign; equal rows count once."""
    found = {}
    for day, campaign, *_, spend, _ in {tuple(map(str, one)) for one in rows}:
        found[day, campaign] = found.get((day, campaign), 0) + round(float(spend) * 100)
    return found


def restated(rng, platform):
    """Deliveries of a platform, as files and as folders of parts, and what stands: of each campaign's day the last."""
    files, expected = {}, {}
    for number in sorted(rng.sample(range(1, 120), rng.randint(2, 6))):
        rows = [row(rng, hour) for hour in range(rng.randint(1, 6))]
        name = f"eu/spend/{platform}/export_{number}"
        files |= parts(rng, name, rows) if rng.random() < 0.4 else {f"{name}.csv": table(rows)}
        expected |= sums(rows)
    return files, expected


def test_any_order_of_deliveries_gives_the_last_one_and_any_parts_of_one_its_sums(zone, dbt):
    rng = random.Random(19)
    files, expected = {}, {}
    for number in range(CASES):
        new, standing = restated(rng, f"restated_{number}")
        files |= new
        expected |= {(f"restated_{number}", *key): cents for key, cents in standing.items()}
        rows = [row(rng, hour) for hour in range(12)]
        files |= {f"eu/spend/whole_{number}/a.csv": table(rows)} | parts(rng, f"eu/spend/parts_{number}/a", rows)
        for platform in (f"whole_{number}", f"parts_{number}"):
            expected |= {(platform, *key): cents for key, cents in sums(rows).items()}
    landed = rng.sample(sorted(files), len(files))
    for part in range(3):
        for name in landed[part::3]:
            zone.put(name, files[name])
        zone.load()

    settings = zone.settings
    region = SimpleNamespace(path=settings.region_file("eu"), open=lambda: region_file(settings, "eu"))
    dbt.build(region, DAYS[0], DAYS[-1], "--select", "+int_spend__daily_costs")
    found = zone.query(
        "select platform, spend_on::varchar, campaign_id, spend_cents from intermediate.int_spend__daily_costs"
    )
    assert {tuple(key): cents for *key, cents in found} == expected
