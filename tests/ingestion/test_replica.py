"""A replica root serves, file by file, for what the landing zone does not have whole; each failover is booked."""

from __future__ import annotations

import shutil

import pytest

from ingestion import parsing, replica
from ingestion.landing import discover
from settings import Region, Settings, TransientError
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import page

LEDGER = "order_id,ordered_at,status,revenue,refunded,cogs,currency,updated_at\no-1,2026-03-01T10:00:00Z,completed,5,,,EUR,2026-03-01T10:00:00Z\n"  # noqa: E501


@pytest.fixture(params=["all regions", "one region"])
def mirrored(request, tmp_path):
    """A landing zone of two archives and a ledger, and its replica, whole."""
    zone = Zone(tmp_path)
    zone.archive(page(messageId="m-1"), page(messageId="m-2"), suffix="json.gz")
    zone.archive(page(messageId="m-3"), start=2)
    zone.put("eu/ledger/orders.csv", LEDGER)
    root = tmp_path / "replica"
    shutil.copytree(zone.landing, root if request.param == "all regions" else tmp_path / "copy")
    if request.param == "one region":
        shutil.move(tmp_path / "copy" / "eu", root)
    zone.settings = zone.settings.model_copy(update={"regions": {"eu": Region(replica=str(root))}})
    zone.replica = root / "eu" if request.param == "all regions" else root
    return zone


def archives(zone: Zone):
    return sorted((zone.landing / "eu" / "events").rglob("*+*+*"))


def booked(zone: Zone) -> list[tuple]:
    return zone.query("select name, why, is_served from ops.failovers order by archive_id, is_served")


def test_while_the_primary_is_whole_the_replica_is_not_asked(mirrored):
    mirrored.load()
    assert booked(mirrored) == []


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"features": {"failover": {"eu": "off"}}}, "since failover is off"),
        ({"features": {"failover": "shadow"}}, "since failover is shadow; 2 files are only there"),
        ({"incidents": {"automatic": ["rebuild"]}}, "since failover is off"),
    ],
)
def test_where_failover_is_not_on_the_replica_does_not_serve_and_that_is_said(mirrored, states, said):
    for path in archives(mirrored):
        path.unlink()
    switched = Settings(**{**mirrored.settings.model_dump(), **states})
    with_it, mirrored.settings = mirrored.settings, switched
    assert mirrored.load().records == 1, "the ledger's row alone"
    assert str(replica.replica_problem(switched, "eu")).endswith(said)
    mirrored.settings = with_it
    assert (mirrored.load().records, replica.replica_problem(with_it, "eu")) == (3, None)


def test_a_missing_file_comes_from_the_replica_and_nothing_is_new_when_it_lands(mirrored):
    kept = {path: path.read_bytes() for path in archives(mirrored)}
    (ledger := mirrored.landing / "eu/ledger/orders.csv").unlink()
    for path in kept:
        path.unlink()
    assert mirrored.load().records == 4
    assert {why for _, why, _ in booked(mirrored)} == {"missing"}
    assert [state for (state,) in mirrored.query("select state from ops.archives")] == ["loaded"] * 3
    for path, content in kept.items():
        path.write_bytes(content)
    ledger.write_text(LEDGER)
    assert mirrored.load().archives == 0


def test_a_primary_that_cannot_be_listed_is_replaced_by_the_replica(mirrored, monkeypatch):
    def fail(*_, **__):
        raise TransientError("the folder cannot be read")

    monkeypatch.setattr(replica, "discover", fail)
    assert mirrored.load().records == 4


def test_what_was_loaded_and_then_pruned_from_the_primary_is_not_asked_for_again(mirrored):
    mirrored.load()
    for path in archives(mirrored):
        path.unlink()
    assert mirrored.load().archives == 0
    assert booked(mirrored) == []


def test_an_archive_cut_short_comes_whole_from_the_replica(mirrored):
    packed, plain = archives(mirrored)
    packed.write_bytes(packed.read_bytes()[:-9])
    plain.write_bytes(b"")  # of a plain archive nothing but the replica tells that it is cut
    assert mirrored.load().corrupt == []
    assert mirrored.fates() == {"read": 3, "loaded": 3}
    assert all(why.startswith("cut short") and is_served for _, why, is_served in booked(mirrored))
    assert mirrored.load().archives == 0


def test_a_corrupt_archive_or_table_comes_from_the_replica_which_names_what_was_wrong(mirrored):
    packed, _ = archives(mirrored)
    packed.write_bytes(b"\x1f\x8b nonsense" * 99)
    (mirrored.landing / "eu/ledger/orders.csv").write_text("nonsense\n" * 50)
    mirrored.load()
    assert [why.partition(":")[0] for _, why, _ in booked(mirrored)] == ["corrupt", "corrupt"]
    assert mirrored.query("select count(*) from raw.ledger_orders") == [(1,)]
    assert mirrored.load().archives == 0


def test_what_both_have_corrupt_is_set_aside_and_tried_again_when_the_replica_is_mended(mirrored):
    packed, _ = archives(mirrored)
    whole = packed.read_bytes()
    copy = next(mirrored.replica.rglob(packed.name))
    for path, noise in ((packed, b"a"), (copy, b"b")):
        path.write_bytes(noise * 50)
    assert mirrored.load().corrupt == [str(packed.relative_to(mirrored.landing / "eu"))]
    assert booked(mirrored)[0][2] is False
    assert mirrored.load().archives == 0
    copy.write_bytes(whole)
    assert mirrored.load().records == 2
    assert [is_served for *_, is_served in booked(mirrored)] == [False, True]
    assert mirrored.query("select state, attempts from ops.archives where name like '%gz' order by archive_id") == [
        ("replaced", 1), ("loaded", 1)]  # fmt: skip


def test_a_replica_that_is_gone_holds_back_nothing_and_is_named(mirrored):
    shutil.rmtree(mirrored.replica)
    shutil.rmtree(mirrored.replica.parent if mirrored.replica.name == "eu" else mirrored.replica, ignore_errors=True)
    assert mirrored.load().records == 4
    assert "no landing zone at" in replica.replica_problem(mirrored.settings, "eu")


def test_money_is_loaded_before_behaviour(zone):
    for topic in ("app", "orders", "web", "checkout-events"):
        zone.archive(topic=topic)
    topics = [one.topic for one in discover(zone.settings, "eu")]
    assert topics == ["checkout-events", "orders", "app", "web"]


def test_an_archive_that_the_reader_fails_on_is_set_aside_after_its_tries_and_stops_no_other(zone, monkeypatch):
    poison = zone.archive(page(messageId="m-1"))
    zone.archive(page(messageId="m-2"), start=1)
    read, tries = parsing._read, []

    def fail(group, *arguments):
        if any(one.name.endswith(poison.name) for one in group):
            tries.append(len(group))
            raise ValueError("secret@example.com")
        return read(group, *arguments)

    monkeypatch.setattr(parsing, "_read", fail)
    monkeypatch.setattr(parsing.time, "sleep", lambda _: None)
    done = zone.load()
    assert (done.records, len(done.corrupt), tries) == (1, 1, [2, 1, 1, 1])
    [(problem,)] = zone.query("select problem from ops.archives where state = 'corrupt'")
    assert problem == "the reader failed on it 3 times (ValueError), so it is set aside"


def test_a_full_disk_sets_nothing_aside(zone, monkeypatch):
    zone.archive(page(messageId="m-1"))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("polars.DataFrame.write_parquet", full)
    with pytest.raises(TransientError, match="No space left on device"):
        zone.load()
    assert zone.query("select count(*) from ops.archives") == [(0,)]


@pytest.mark.parametrize(("depth", "count"), [(0, 1), (1, 1), (8 << 20, 1), (20 << 20, 3), (10**12, 4)])
def test_workers_follow_the_depth_within_their_bound(monkeypatch, depth, count):
    monkeypatch.setattr(parsing, "MOST_WORKERS", 4)
    assert parsing.workers(depth) == count
