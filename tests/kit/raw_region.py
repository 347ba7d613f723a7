"""A region's file with raw tables that tests fill by hand, with the fewest columns that a test has to say."""

import uuid
from contextlib import contextmanager

import duckdb

RAW_DDL = """
create schema raw;
create table raw.events (
    message_id uuid not null, message_order uuid not null, archive_id integer not null, record_offset bigint not null,
    type varchar not null, event varchar, occurred_at timestamp not null, received_at timestamp,
    anonymous_id uuid, user_id uuid,
    campaign_source varchar, campaign_medium varchar, campaign_name varchar, campaign_id varchar,
    page_host varchar, referrer_host varchar, experiment varchar, variation varchar, geography varchar,
    order_id varchar, currency varchar,
    revenue_minor bigint, tax_minor bigint, shipping_minor bigint, total_minor bigint, is_anonymised boolean not null
);
create table raw.spend (
    file varchar not null, line bigint not null, platform varchar not null, spend_on date not null,
    campaign_id varchar not null, campaign_name varchar, channel varchar, impressions bigint,
    clicks bigint, spend_minor bigint not null, currency varchar not null, spend_rest bigint default 0,
    account varchar, delivery varchar, delivery_order varchar, row_hash ubigint, entity_hash ubigint,
    extracted_at varchar
);
create table raw.ledger_orders (
    file varchar not null, line bigint not null, order_id varchar not null, ordered_at timestamp not null,
    status varchar not null, revenue_minor bigint not null, refunded_minor bigint not null, cogs_minor bigint,
    currency varchar not null, updated_at timestamp not null, item_hash ubigint, posting varchar, paid_minor bigint
);
create schema ops;
create table ops.days (day date, is_final boolean);
create table ops.quarantine (
    order_id varchar, archive_id integer, record_offset bigint, set_aside_by varchar, released_at timestamp
);
create table ops.settled_orders (
    order_id varchar primary key, buyer_id uuid not null, segment varchar not null, path varchar[]
);
create table ops.device_owners (anonymous_id uuid not null, user_id uuid not null);
create table ops.settled_paths (month date not null, path varchar[] not null, non_conversions bigint not null);
create table ops.past_sightings (
    message_id uuid, message_order uuid, occurred_at timestamp, anonymous_id uuid, user_id uuid, last_seen_at timestamp
);
create table ops.past_buyers (person_id uuid, last_ordered_on date);
create table raw.fx_rates (rate_on date not null, currency varchar not null, rate_e8 bigint not null);
"""


# A row per order, touch and attribution model that gives the touch any money.
CREDITS = """(
    select * from (
        select order_id, touch_number, channel, unnest(struct_keys(revenue_cents)) as attribution_model,
            unnest(map_values(revenue_cents::map(varchar, bigint))) as revenue_cents,
            unnest(map_values(refund_cents::map(varchar, bigint))) as refund_cents,
            unnest(map_values(cogs_cents::map(varchar, bigint))) as cogs_cents,
            unnest(map_values(conversion_millionths::map(varchar, bigint))) as conversion_millionths
        from intermediate.int_attribution__touch_credits
    ) where (revenue_cents, refund_cents, cogs_cents, conversion_millionths) <> (0, 0, 0, 0))"""


def pseudonym(name):
    return None if name is None else uuid.uuid5(uuid.NAMESPACE_OID, str(name))


class Region:
    """One region's database file, with the fewest columns a test has to say."""

    def __init__(self, path):
        self.path = path
        self.lines = 0
        with self.open() as connection:
            connection.execute(RAW_DDL)

    @contextmanager
    def open(self):
        connection = duckdb.connect(str(self.path))
        try:
            connection.execute("set TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()

    def query(self, sql):
        with self.open() as connection:
            return connection.execute(sql).fetchall()

    def insert(self, table, rows):
        if not rows:
            return
        columns = list(rows[0])
        marks = ", ".join("?" * len(columns))
        with self.open() as connection:
            connection.begin()
            connection.executemany(
                f"insert into raw.{table} ({', '.join(columns)}) values ({marks})", [list(row.values()) for row in rows]
            )
            connection.commit()

    def number(self):
        self.lines += 1
        return self.lines

    def event(self, at, user=None, anonymous=None, type="page", **columns):
        line = self.number()
        source, medium, name, campaign_id = (*columns.pop("campaign", ()), None, None, None, None)[:4]
        return {
            "message_id": uuid.UUID(int=line), "message_order": uuid.UUID(int=columns.pop("order", line)),
            "archive_id": 1, "record_offset": line, "type": type, "event": columns.get("event"),
            "occurred_at": at, "anonymous_id": pseudonym(anonymous), "user_id": pseudonym(user),
            "campaign_source": source, "campaign_medium": medium, "campaign_name": name, "campaign_id": campaign_id,
            "page_host": columns.get("page_host", "shop.example"), "referrer_host": columns.get("referrer_host"),
            "experiment": columns.get("experiment"), "variation": columns.get("variation"),
            "geography": columns.get("geography"),
            "order_id": columns.get("order_id"), "currency": columns.get("currency"),
            "revenue_minor": columns.get("revenue"), "tax_minor": columns.get("tax"),
            "shipping_minor": columns.get("shipping"), "total_minor": columns.get("total"),
            "is_anonymised": columns.get("is_anonymised", False),
        }  # fmt: skip

    def order(self, at, order_id, revenue, currency="EUR", event="Order Completed", **columns):
        return self.event(
            at, type="track", event=event, order_id=order_id, revenue=revenue, currency=currency, **columns
        )

    def ledger(self, order_id, at, revenue, **columns):
        return {
            "file": "ledger.csv", "line": self.number(), "order_id": order_id, "ordered_at": at,
            "status": columns.get("status", "completed"), "revenue_minor": revenue,
            "refunded_minor": columns.get("refunded", 0), "cogs_minor": columns.get("cogs"),
            "currency": columns.get("currency", "EUR"), "updated_at": columns.get("updated_at", at),
        }  # fmt: skip

    def cost(self, on, campaign_id, cents, **columns):
        return {
            "file": "spend.csv", "line": self.number(), "platform": columns.get("platform", "google_ads"),
            "spend_on": on, "campaign_id": campaign_id, "campaign_name": columns.get("name"),
            "channel": columns.get("channel"), "impressions": columns.get("impressions", 0),
            "clicks": columns.get("clicks", 0), "spend_minor": cents, "currency": columns.get("currency", "EUR"),
        }  # fmt: skip
