"""`romi run`, an erasure, and the same archives again: what finance reads stays, and the person stays away."""

from __future__ import annotations

import gzip

import pytest

from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from tests.end_to_end.conftest import Shop, campaign, order, page

_CONFIG = "regions: {eu: {consent_default: granted}}\nprivacy: {k_anonymity: 1, encryption_at_rest: false}\n"


def _found(shop: Shop, *names: str) -> set[str]:
    """Those that stand in a file of the warehouse, Dagster's and dbt's included."""
    contents = [path.read_bytes() for path in shop.warehouse.rglob("*") if path.is_file()]
    forms = {
        name: {name.encode()} | ({(int(name, 16) ^ (1 << 127)).to_bytes(16, "little")} if len(name) == 32 else set())
        for name in names
    }
    return {name for name, ones in forms.items() if any(one in content for one in ones for content in contents)}


@pytest.fixture
def without_ann(shop):
    """A shop that a person was erased from, whose records have come again since: its tables, and another person."""
    shop.configure(_CONFIG)
    records = [
        page("p-1", "2026-03-08T10:00:00Z", "device-of-ann", context=campaign("google", "cpc", "brand")),
        order("m-1", "2026-03-09T11:00:00Z", "o-1", 80, anonymous_id="device-of-ann"),
        page("p-2", "2026-03-08T10:00:00Z", "device-of-bob", context=campaign("newsletter", "email", "w9")),
        order("m-2", "2026-03-09T12:00:00Z", "o-2", 20, anonymous_id="device-of-bob"),
    ]
    # Cat looks, withdraws, and orders by a server that says nothing of consent; then consents anew and orders again.
    silent = {"context": {}}
    refused = {"context": {"consent": {"categoryPreferences": {"Analytics": False}}}}
    shop.archive("eu", 50, [
        page("c-1", "2026-03-08T10:00:00Z", "device-of-cat", context=campaign("bing", "cpc", "cats")),
        page("c-2", "2026-03-09T08:00:00Z", "device-of-cat") | refused,
        order("c-3", "2026-03-09T09:00:00Z", "o-3", 10, anonymous_id="device-of-cat") | silent,
        page("c-4", "2026-03-10T09:00:00Z", "device-of-cat", context=campaign("n", "email", "again")),
        order("c-5", "2026-03-10T10:00:00Z", "o-4", 5, anonymous_id="device-of-cat") | silent,
    ])  # fmt: skip
    shop.archive("eu", 0, records)
    shop.table("eu", "ledger/a.csv", [
        {"order_id": number, "ordered_at": at, "status": "completed", "revenue": revenue, "currency": "EUR",
         "updated_at": at}
        for number, at, revenue in [("o-1", "2026-03-09T11:00:00Z", 80), ("o-2", "2026-03-09T12:00:00Z", 20)]
    ])  # fmt: skip
    assert shop.romi("run")[0] == 0
    before = shop.rows()
    last_touch = shop.query("""
        select date::varchar, channel, sum(revenue)::integer from finance.romi_daily
        where attribution_model = 'last_touch' and date >= '2026-03-09' group by all order by all""")
    assert last_touch == [
        ("2026-03-09", "(unattributed)", 10), ("2026-03-09", "Email", 20), ("2026-03-09", "Paid Search", 80),
        ("2026-03-10", "Email", 5),
    ]  # fmt: skip
    key = region_key(shop.warehouse, "eu", "pseudonym", make=False)
    ann, bob = (pseudonym(key, "anonymous", f"device-of-{name}") for name in ("ann", "bob"))
    assert _found(shop, ann, bob) == {ann, bob}

    assert shop.romi("dsar", "erase", "--anonymous-id", "device-of-ann", "--yes")[0] == 0

    assert _found(shop, ann, bob, "device-of-ann") == {bob}
    shop.archive("eu", 100, records)  # upstream sends all of it again
    code, _ = shop.romi("run")
    assert code == 0
    books = shop.romi("status")[1]["records"]
    assert (books["suppressed"], books["duplicate"]) == (1, 3)
    assert shop.rows() == before
    assert _found(shop, ann, "device-of-ann") == set()
    return shop, before, bob


def test_an_erased_person_is_in_no_file_and_no_later_run_brings_them_back(without_ann):
    shop, _, bob = without_ann
    assert _found(shop, bob) == {bob}, "the control"


@pytest.mark.slow  # tests/operations/rights/test_open_erasures.py
def test_an_erasure_that_an_archive_holds_up_is_ended_by_the_run_that_can_read_it(without_ann):
    shop, before, bob = without_ann
    # Bob asks by his address, which an archive alone ties to him, and that is broken: the run that can read it ends it.
    traits = {"context": {"traits": {"email": "bob@shop.example"}}}
    path = shop.archive("eu", 200, [page("b-1", "2026-03-10T08:00:00Z", "device-of-bob") | traits], suffix="json.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    code, told = shop.romi("dsar", "erase", "--email", "bob@shop.example", "--yes")
    assert (code, told["outcome"], _found(shop, bob)) == (1, "open", {bob})
    path.write_bytes(gzip.compress(gzip.decompress(whole)))
    code, told = shop.romi("run")
    assert (code, [one for one in told["warnings"] if "erasure" in one]) == (0, [])
    assert {one["outcome"] for one in shop.romi("dsar", "status")[1]["requests"]} == {"erased"}
    assert _found(shop, bob, "device-of-bob", "bob@shop.example") == set()
    assert shop.rows() == before
