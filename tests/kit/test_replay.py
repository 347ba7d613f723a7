"""A replayed build leaves what dbt leaves, and fails where dbt fails."""

from datetime import datetime, timedelta

import pytest

from tests.kit.dbt import Dbt
from tests.kit.raw_region import Region
from tests.kit.replay import Call, Recording

FEBRUARY, MARCH = ("2026-02-01", "2026-02-28"), ("2026-03-01", "2026-03-31")
CHANNELS = [("google", "cpc", "brand"), ("news", "email", "w9"), ("t.co", "social", "x")]


def fill(region: Region, buyers: int, cents: int) -> None:
    """Persons with visits of several channels and an order each, in events and ledger, from mid-February on."""
    begin = datetime(2026, 2, 14, 9)
    events, ledger = [], []
    for n in range(buyers):
        at = begin + timedelta(days=3 * n)
        events += [region.event(at, user=n % 5, campaign=CHANNELS[(n + k) % 3]) for k in range(n % 4)]
        events.append(region.order(at + timedelta(hours=3), f"o{n}", cents + n, user=n % 5))
        ledger.append(region.ledger(f"o{n}", at + timedelta(hours=3), cents + n, refunded=n))
    region.insert("events", events)
    region.insert("ledger_orders", ledger)
    region.insert("spend", [region.cost(begin.date(), "1", cents, name="brand")])


def contents(region: Region) -> dict[str, list[tuple]]:
    tables = region.query("""
        select schema_name || '.' || table_name from duckdb_tables()
        where schema_name in ('staging', 'intermediate', 'finance') order by 1""")
    return {name: sorted(region.query(f"from {name}"), key=repr) for (name,) in tables}


def assert_replayed_as_built(tmp_path, models) -> None:
    recorded = Dbt(tmp_path / "recorded", {}).of(models)
    first, replayed, built = (Region(tmp_path / f"{name}.duckdb") for name in ("first", "replayed", "built"))
    fill(first, 4, 1000)
    for region in (replayed, built):
        fill(region, 13, 2345)
    for window in (FEBRUARY, MARCH, FEBRUARY):  # the second time over rows that are there
        for region, dbt in ((first, recorded), (replayed, recorded), (built, Dbt(tmp_path / "fresh", {}).of(models))):
            dbt.build(region, *window)
    assert len(recorded.made) == 2, "the second February is March's build, with other days"
    assert contents(replayed) == contents(built)
    assert contents(replayed) != contents(first)


def test_a_replayed_build_leaves_the_rows_that_dbt_leaves(tmp_path):
    assert_replayed_as_built(tmp_path, ("int_orders__conversions",))


@pytest.mark.slow
def test_a_replayed_build_of_all_models_leaves_the_rows_that_dbt_leaves(tmp_path):
    assert_replayed_as_built(tmp_path, ())


def test_a_replay_judges_the_checks_of_the_build_and_stops_at_a_statement_that_fails(tmp_path):
    dbt = Dbt(tmp_path / "dbt", {}).of(("spend_daily",))
    region, other = Region(tmp_path / "region.duckdb"), Region(tmp_path / "other.duckdb")
    for one in (region, other):
        one.insert("spend", [one.cost("2026-03-02", "1", 500, name="brand")])
    dbt.build(region, *MARCH)
    [made] = dbt.made.values()
    known = made.recording
    asked = next(n for n, call in enumerate(known.calls) if "spend_daily_has_one_row_per_grain" in str(call.arguments))
    twice = Call(known.calls[asked].cursor, "execute", (
        "insert into region.finance.spend_daily from region.finance.spend_daily limit 1", None))  # fmt: skip
    with pytest.raises(AssertionError, match="spend_daily_has_one_row_per_grain"):
        Recording([*known.calls[:asked], twice, *known.calls[asked:]], known.credentials).replay(other.path)
    with pytest.raises(AssertionError, match="a statement of the build failed"):
        known.replay(region.path)  # its tables are there already
