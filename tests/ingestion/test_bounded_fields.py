"""No value costs more than a time that grows with its length alone, and none is kept that is longer than 1 KB."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import product

import pytest

from ingestion.archives import Reader, read_lines
from ingestion.books import region_file
from ingestion.boundary import mask
from ingestion.campaigns import CAMPAIGN
from operations import status
from operations.incidents import run_warnings
from orchestration.cli.show_status import note_lines
from privacy.redaction import LONGEST_BYTES, is_email, redact
from tests.ingestion.strategies import NOW, experiment, order, page
from tests.ingestion.test_boundary import POLICY, context, masked
from tests.ingestion.test_load_tables import SPEND_HEAD, spend_row

# What a pattern could go through again and again.
FILLERS = (
    "a", "a@", "%40a", "a.", "eyJ", "+1 ", "00 ", "0-", "1", "4 ", "a1", "A+/", "=", "bot", "; ", "www.", "\\u0041",
    "{", "é", "%F0", "&utm_campaign=a", "/", "://", "1e",
)  # fmt: skip
NO = {"categoryPreferences": {"Analytics": False}}
SHORT, FACTOR = 16 << 10, 16
ALLOWED = 6  # times what a time in proportion would be: squared, it would be 16 times that


def record(path: str, value: str) -> str:
    """An accepted record whose field at `path` holds the text `value`; `key` puts it into a name."""
    made = order() if path.startswith("order.") else experiment() if path.startswith("experiment.") else page()
    *places, name = path.split(".")[1:]
    here = made
    for place in places:
        here = here.setdefault(place, {})
    here["FILLED" if name == "key" else name] = 1 if name == "key" else "FILLED"
    return json.dumps(made).replace("FILLED", value)


FIELDS = (
    *[f"page.{name}" for name in ("messageId", "type", "anonymousId", "userId", "timestamp", "receivedAt", "key")],
    *[f"page.context.{name}" for name in ("userAgent", "page.url", "page.referrer", "location.region", "key")],
    *[f"page.context.campaign.{name}" for name in ("source", "medium", "name", "id")],
    "page.context.consent.categoryPreferences.Analytics",
    *[f"order.properties.{name}" for name in ("order_id", "currency", "revenue", "tax", "total", "discount", "key")],
    "order.event", "experiment.properties.experiment_id", "experiment.properties.variation_name",
)  # fmt: skip


def seconds(reader: Reader, folder, field: str, filler: str, length: int) -> float:
    """The processor's time for one record through the readers and the boundary, the least of two tries."""
    value = (filler * (length // len(filler) + 1))[:length]
    if field.endswith("page.url"):
        value = f"https://shop.example/?utm_campaign={value}"
    path = folder / "web+0+0000000000.json"
    path.write_bytes((record(field, value) + "\n").encode())
    tries = []
    for _ in range(2):
        began = time.process_time()
        for batch in reader.read_one(path):
            mask(batch.rows, POLICY)
        mask(read_lines([(0, path.read_bytes().strip())], "segment", NOW).rows, POLICY)
        tries.append(time.process_time() - began)
    return min(tries)


def assert_flat(tmp_path, cases) -> None:
    with Reader(NOW) as reader:
        seconds(reader, tmp_path, "page.messageId", "a", SHORT)
        for field, filler in cases:
            short, long = (seconds(reader, tmp_path, field, filler, size) for size in (SHORT, SHORT * FACTOR))
            # What a record costs at all must not hide what its length does.
            assert long <= ALLOWED * FACTOR * max(short, 0.002), (field, filler, short, long)


def test_a_hostile_campaign_costs_no_more_than_its_length(tmp_path):
    assert_flat(tmp_path, [("page.context.campaign.name", filler) for filler in ("a", "%40a", "eyJ", "a@")])
    assert_flat(tmp_path, [("page.context.userAgent", "a"), ("page.context.page.url", "%F0")])


@pytest.mark.slow
def test_no_field_costs_more_than_its_length(tmp_path):
    assert_flat(tmp_path, product(FIELDS, FILLERS))


@pytest.mark.parametrize("filler", ["a", "%40a", "eyJ", "a@", "0 ", "A+/", "a."])
def test_patterns_go_through_a_value_once(filler):
    """Of a megabyte; with a pattern that goes through it again for each place this would take hours."""
    value = filler * (1_000_000 // len(filler))
    assert len(redact(value)) <= LONGEST_BYTES
    assert is_email(value + " x@y.z")
    assert not is_email(value.replace("@", "").replace("%40", ""))


def test_a_long_campaign_value_is_cut_and_what_is_personal_in_it_is_not_cut_in_two():
    assert redact("é" * 1000) == "é" * 512
    assert redact("a" * LONGEST_BYTES) == "a" * LONGEST_BYTES
    assert redact("a" * (LONGEST_BYTES - 5) + " jane.doe@example.com") == "(redacted)"
    assert redact("a " * 1500 + "jane.doe@example.com") == "(redacted)"
    assert redact("a " * 3000 + "jane.doe@example.com") == "a " * 512


def test_what_is_cut_is_noted_by_row():
    long = "x" * (LONGEST_BYTES + 1)
    campaign = {"source": "s", "medium": long, "name": long, "id": long}
    by_url = {"url": f"https://shop.example/?utm_campaign={'%78' * 1100}&utm_source=s"}
    rows = masked(
        context(campaign=campaign), context(page=by_url, campaign=None), page(),
        experiment(properties={"experiment_id": long, "variation_id": "a"}),
        context(order, campaign=campaign, consent=NO),
    )  # fmt: skip
    assert [row["cut"] for row in rows] == [
        ["campaign_medium", "campaign_name", "campaign_id"], ["campaign_name"], [], ["experiment"], None,
    ]  # fmt: skip
    assert {len(rows[0][name]) for name in CAMPAIGN[1:]} == {LONGEST_BYTES}
    assert rows[1]["campaign_name"] == "x" * LONGEST_BYTES


def test_what_is_cut_is_counted_and_told(zone):
    zone.archive(page(), page(messageId="m-2", context={**page()["context"], "campaign": {"name": "x" * 2000}}))
    zone.put("eu/spend/google_ads/a.csv", f"{SPEND_HEAD}\n{spend_row(name='y' * 3000)}")
    before = run_warnings.booked_so_far(zone.settings)
    zone.load()
    told = [
        "campaign_name of web was longer than 1 KB, of which only the beginning is kept, in 1 record",
        "campaign_name of spend was longer than 1 KB, of which only the beginning is kept, in 1 record",
    ]
    assert run_warnings.warnings(zone.settings, before) == [f"eu: {line}" for line in told]
    assert run_warnings.warnings(zone.settings, run_warnings.booked_so_far(zone.settings)) == []
    with region_file(zone.settings, "eu", read_only=True) as con:
        snapshot = status.write_snapshot(con, zone.settings, "eu")
    assert note_lines({"eu": snapshot}) == [f"noted eu: {line}" for line in told]
    assert zone.fates() == {"read": 2, "loaded": 2}


def test_tracks_that_are_named_like_orders_and_are_none_are_told(zone):
    names = ("Purchase", "Purchase", "Signed Up", "Completed Order")
    tracks = [order(event=name, messageId=f"m-{number}") for number, name in enumerate(names)]
    zone.archive(*tracks, order(messageId="m-9"), page(messageId="m-10", event="Purchase"))
    before = run_warnings.booked_so_far(zone.settings)
    zone.load()
    told = run_warnings.warnings(zone.settings, before)
    assert [line.partition(" was ")[0] for line in told] == ["eu: Completed Order of web", "eu: Purchase of web"]
    assert told[0].endswith("in 1 record")
    assert told[1].endswith("in 2 records")


def test_an_order_number_that_no_shop_gives_is_kept_as_a_pseudonym():
    one, other = masked(order(properties=bought("x" * 5000 + "1")), order(properties=bought("x" * 5000 + "2")))
    assert {len(row["order_id"]) for row in (one, other)} == {32}
    assert one["order_id"] != other["order_id"]


def bought(order_id):
    return {**order()["properties"], "order_id": order_id}


@pytest.mark.slow
def test_an_interrupt_is_answered_while_hostile_records_are_read(tmp_path):
    """A load of values that no pattern may hang on ends within two seconds of Ctrl-C."""
    folder = tmp_path / "landing/eu/events/topics/web/partition=0"
    folder.mkdir(parents=True)
    for n in range(40):
        hostile = {**page()["context"], "campaign": {"name": f"{n}" + "a@%40eyJ" * 100_000}}
        lines = [json.dumps(page(messageId=f"{n}-{k}", context=hostile)) for k in range(10)]
        (folder / f"web+0+{n * 10:010d}.json").write_text("\n".join(lines) + "\n")
    program = """import sys
from ingestion.load import load_region
from settings import Settings
print("begun", flush=True)
load_region(Settings(landing=sys.argv[1], warehouse=sys.argv[2]), "eu")"""
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "landing"), str(tmp_path / "warehouse")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"ROMI_NOW": NOW.isoformat() + "Z"},
    )  # fmt: skip
    assert run.stdout.readline() == b"begun\n"
    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(timeout=1)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=2) != 0
