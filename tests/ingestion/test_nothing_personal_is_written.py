"""A canary in every field of a record: in the landing zone it is found, in what the load wrote it is not."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from ingestion.books import region_file
from settings import Region
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page

CANARY = "canary"
PLAIN = {"encryption_at_rest": False}  # or its bytes would tell nothing


class Names:
    """A new name for each place, so that a find says where it comes from."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        return self.given.setdefault(place, f"{CANARY}{len(self.given):03d}q{abs(hash(place)) % 10**6:06d}")


def record(name: Names, kind: str, base: dict[str, Any]) -> dict[str, Any]:
    def at(place: str) -> str:
        return name(f"{kind}.{place}")

    context = {
        "ip": at("ip"), "userAgent": f"Mozilla/5.0 {at('userAgent')}", "locale": at("locale"),
        "timezone": at("timezone"),
        "traits": {"email": f"{at('traits.email')}@example.com", "name": at("traits.name"), "phone": at("traits.phone"),
                   "address": {"street": at("traits.street")}},
        "page": {"url": f"https://{at('user')}:{at('password')}@shop.example/{at('path')}?q={at('query')}&gclid={at('gclid')}#{at('fragment')}",
                 "referrer": f"https://mail.example/{at('referrer.path')}?to={at('referrer.query')}",
                 "title": at("title"), "path": at("page.path"),
                 "search": at("search")},
        "device": {"id": at("device.id"), "advertisingId": at("advertisingId")}, "library": {"name": at("library")},
        "location": {"region": "Bavaria", "city": at("city"), "latitude": at("latitude")},
        "campaign": {"term": at("term"), "content": at("content"), "extra": at("campaign.extra")},
        "consent": {"categoryPreferences": {"Analytics": True, "Other": at("consent")}},
    }  # fmt: skip
    properties = base["properties"] | {
        "email": f"{at('properties.email')}@example.com", "coupon": at("coupon"), "checkout_id": at("checkout"),
        "note": [at("note")],
        "products": [{"product_id": at("product.id"), "name": at("product.name"),
        "url": f"https://shop.example/{at('product.url')}"}],
    }  # fmt: skip
    return base | {
        "messageId": at("messageId"), "anonymousId": at("anonymousId"), "userId": f"{at('userId')}@example.com",
        "context": context,
        "properties": properties, "traits": {"firstName": at("firstName")}, "integrations": {"All": at("integrations")},
        "writeKey": at("writeKey"), at("key"): at("value"),
    }  # fmt: skip


def spoilt(name: Names) -> list[str]:
    """Records that cannot be loaded for each reason, each with canaries."""
    base = record(name, "dead", page())
    properties = order()["properties"]
    made = [
        base | {"messageId": ""}, base | {"context": name("dead.context")},
            base | {"timestamp": name("dead.timestamp")},
        base | {"timestamp": "2030-01-01T00:00:00Z"},
            base | order() | {"properties": properties | {"revenue": name("dead.revenue")}},
        base | order() | {"properties": properties | {"currency": name("dead.currency")}},
            base | {"pad": name("dead.pad") * 70_000},
    ]  # fmt: skip
    return [json.dumps(one) for one in made] + [f'{{"userId": "{name("dead.json")}']


def found(folder: Path, names: Names) -> dict[str, list[str]]:
    files = {path: path.read_bytes().lower() for path in folder.rglob("*") if path.is_file()}
    assert files
    hits = {}
    for place, text in names.given.items():
        forms = (text.encode(), text.encode("utf-16-le"), text.encode().hex().encode())
        if holding := [str(path) for path, content in files.items() if any(form in content for form in forms)]:
            hits[place] = holding
    return hits


@pytest.mark.parametrize("is_clean", [True, False], ids=["fast reader", "exact reader"])
def test_no_canary_passes_the_boundary(tmp_path, is_clean, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    zone, name = Zone(tmp_path, regions={"eu": Region(consent_default="granted")}, privacy=PLAIN), Names()
    old = record(name, "expired", page(timestamp="2020-01-01T00:00:00Z"))
    bot = record(name, "bot", page())
    bot["context"]["userAgent"] += " Googlebot/2.1"
    orders = [record(name, event, order(event)) for event in ("Order Completed", "Order Refunded", "Order Cancelled")]
    anonymous = record(name, "anonymous", order())
    nobody = record(name, "nobody", page())
    for one in (anonymous, nobody):
        one["context"]["consent"]["categoryPreferences"]["Analytics"] = False
    copies = [record(name, "first", page(type="identify"))] * 2
    records = [
        record(name, "page", page()),
        record(name, "screen", page(type="screen")),
        record(name, "track", page(type="track", event=name("event"))),
        *orders,
        anonymous,
        nobody,
        old,
        bot,
        *copies,
    ]
    zone.archive(*records, *([] if is_clean else spoilt(name)))
    zone.put("eu/ledger/a.csv", "order_id,ordered_at,status,revenue,currency,updated_at,customer\n"
             f"{name('ledger')}@example.com,2026-03-01T10:00:00Z,completed,5,EUR,2026-03-01T10:00:00Z,{name('customer')}\n"
             f"o-9,{name('ledger.date')},completed,5,EUR,2026-03-01T10:00:00Z,{name('customer.dead')}\n")  # fmt: skip
    zone.put("eu/spend/google_ads/a.csv", "date,campaign_id,campaign_name,spend,currency,owner\n"
             f"2026-03-01,c,{name('spend')}@example.com,5,EUR,{name('owner')}\n"
             f"2026-03-01,c,x,{name('spend.money')},EUR,x\n")  # fmt: skip
    zone.load()

    assert set(found(zone.landing, name)) == set(name.given)
    assert len(name.given) > 300
    with region_file(zone.settings, "eu") as con:
        assert con.execute("select count(*) from raw.events").fetchone() == (8,)
        con.execute("checkpoint")
    assert found(zone.warehouse, name) == {}
    said = caplog.text + "".join(capfd.readouterr())
    assert CANARY not in said


def test_decoded_values_of_the_database_hold_no_canary(tmp_path):
    zone, name = Zone(tmp_path), Names()
    zone.archive(record(name, "page", page()), record(name, "order", order()), *spoilt(name))
    zone.load()
    with region_file(zone.settings, "eu") as con:
        tables = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        assert len(tables) > 9
        said = repr([con.execute(f"from {table}").fetchall() for (table,) in tables])
    assert CANARY not in said


def test_what_a_staged_file_holds_before_its_commit_is_masked_already(tmp_path, monkeypatch):
    zone, name = Zone(tmp_path), Names()
    zone.archive(record(name, "page", page()), record(name, "order", order()), *spoilt(name))

    def stop(*_: object) -> None:
        staged = list(zone.settings.staging_dir.rglob("*.parquet"))
        assert staged
        assert found(zone.warehouse, name) == {}
        raise KeyboardInterrupt

    monkeypatch.setattr("ingestion.load.commit", stop)
    with pytest.raises(KeyboardInterrupt):
        zone.load()
    assert found(zone.warehouse, name) == {}


def test_campaign_values_shaped_like_a_person_are_redacted_and_the_others_written(tmp_path):
    zone, name = Zone(tmp_path), Names()
    own = {"source": f"{name('source')}@example.com", "name": "brand-2026", "id": "120210987654321098"}
    tagged = f"https://shop.example/?utm_source=news&utm_campaign={name('utm')}%40example.com"
    zone.archive(page(context=page()["context"] | {"campaign": own}), page(messageId="m-2",
        context=page()["context"] | {
        "campaign": None, "page": {"url": tagged}}))  # fmt: skip
    zone.load()
    assert found(zone.warehouse, name) == {}
    assert zone.query("select campaign_source, campaign_name, campaign_id from raw.events order by all") == [
        ("(redacted)", "brand-2026", "120210987654321098"), ("news", "(redacted)", None)]  # fmt: skip
