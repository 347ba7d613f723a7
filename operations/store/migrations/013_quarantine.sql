-- Orders and records that are set aside, and orders of events alone that cannot be priced.
create table if not exists ops.quarantine (
    order_id varchar, archive_id integer, record_offset bigint, reason varchar not null, set_aside_by varchar not null,
    set_aside_at timestamp not null, released_by varchar, released_at timestamp, released_for varchar,
    day date, currency varchar, revenue_minor bigint, worth_cents bigint, usual_cents bigint);
create table if not exists ops.unpriced_orders (
    order_id varchar not null, day date not null, currency varchar not null, revenue_minor bigint not null);
