"""The tables of a new region's file, but for those that dbt builds: the raw records, and the books on them.

A file that is there already gets a change of them by a migration (``operations/store/migrations``), and a test compares
what migrations lead to with what is said here. A new column stands last, where a migration puts it.
"""

REGION_TABLES = """
create schema if not exists raw;
create schema if not exists ops;
create table raw.events (
    message_id uuid not null, message_order uuid not null, archive_id integer not null, record_offset bigint not null,
    type varchar not null, event varchar, occurred_at timestamp not null, received_at timestamp,
    anonymous_id uuid, user_id uuid,
    campaign_source varchar, campaign_medium varchar, campaign_name varchar, campaign_id varchar,
    page_host varchar, referrer_host varchar, experiment varchar, variation varchar, geography varchar,
    order_id varchar, currency varchar,
    revenue_minor bigint, tax_minor bigint, shipping_minor bigint, total_minor bigint, is_anonymised boolean not null,
    is_consent_stated boolean);
create table raw.spend (
    file varchar not null, line bigint not null, platform varchar not null, spend_on date not null,
    campaign_id varchar not null, campaign_name varchar, channel varchar,
    impressions bigint, clicks bigint, spend_minor bigint not null, currency varchar not null,
    spend_rest bigint default 0,  -- of 10^-12 of the currency's unit
    account varchar, delivery varchar,  -- the file, or the folder that it is a part of
    delivery_order varchar, row_hash ubigint, entity_hash ubigint, extracted_at varchar);
create table raw.ledger_orders (
    file varchar not null, line bigint not null, order_id varchar not null, ordered_at timestamp not null,
    status varchar not null, revenue_minor bigint not null, refunded_minor bigint not null, cogs_minor bigint,
    currency varchar not null, updated_at timestamp not null,
    item_hash ubigint,  -- which item of its order; null: the order
    posting varchar, paid_minor bigint);  -- a payment or a return, and what it was with tax and shipping
create table raw.fx_rates (rate_on date not null, currency varchar not null, rate_e8 bigint not null);
create sequence ops.archive_ids;
create table ops.archives (
    archive_id integer primary key, kind varchar not null, name varchar not null, topic varchar not null,
    partition integer not null, start_offset bigint not null, size_bytes bigint not null, mtime_ns bigint not null,
    sha256 varchar not null, state varchar not null, problem varchar, attempts integer not null,
    records bigint not null, first_seen_at timestamp not null, loaded_at timestamp);
create table ops.fates (
    archive_id integer not null, fate varchar not null, reason varchar not null, records bigint not null,
    conflicting bigint not null, primary key (archive_id, fate, reason));
create table ops.dead_letters (
    archive_id integer not null, record_offset bigint not null, reason varchar not null, occurred_at timestamp,
    first_seen_at timestamp not null, attempts integer not null, payload blob not null, field varchar);
create table ops.fields (
    topic varchar not null, field varchar not null, problem varchar not null, seen_on date not null,
    first_seen_at timestamp not null, records bigint not null, primary key (topic, field, problem, seen_on));
create table ops.disposals (
    disposed_at timestamp not null, what varchar not null, rule varchar not null, older_than timestamp not null,
    records bigint not null);
create table ops.changes (kind varchar not null, day date, key varchar);
create table ops.pending_days (
    day date primary key, reason varchar not null, state varchar not null default 'pending', failed_tests varchar,
    touched_from date, touched_to date,  -- what its credit stood on before
    tables varchar[]);  -- those that are to be rebuilt; NULL for all
create table ops.days (
    day date primary key, build bigint not null, withheld_reason varchar, rebuilt_for varchar not null,
    is_final boolean not null);
create table ops.settled_orders (
    order_id varchar primary key, buyer_id uuid not null, segment varchar not null, path varchar[]);
create table ops.device_owners (anonymous_id uuid not null, user_id uuid not null);
create table ops.settled_paths (
    month date not null, path varchar[] not null, non_conversions bigint not null);
create table ops.removed_events (archive_id integer primary key, records bigint not null);
create table ops.archive_spans (archive_id integer primary key, earliest timestamp, latest timestamp);
create table ops.past_sightings (
    message_id uuid not null, message_order uuid not null, occurred_at timestamp not null, anonymous_id uuid not null,
    user_id uuid not null, last_seen_at timestamp not null);
create table ops.past_buyers (person_id uuid primary key, last_ordered_on date not null);
create table ops.withdrawals (anonymous_id uuid, user_id uuid, withdrawn_at timestamp not null);
create table ops.notes (
    archive_id integer not null, field varchar not null, note varchar not null, records bigint not null,
    primary key (archive_id, field, note));
create table ops.refused_rows (
    archive_id integer not null, line bigint not null, reason varchar not null, column_name varchar,
    day date, until date);
create table ops.refused_days (
    archive_id integer not null, day date not null, records bigint not null, primary key (archive_id, day));
create table ops.quarantine (
    order_id varchar, archive_id integer, record_offset bigint, reason varchar not null, set_aside_by varchar not null,
    set_aside_at timestamp not null, released_by varchar, released_at timestamp, released_for varchar,
    day date, currency varchar, revenue_minor bigint, worth_cents bigint, usual_cents bigint);
create table ops.unpriced_orders (
    order_id varchar not null, day date not null, currency varchar not null, revenue_minor bigint not null);
create table ops.losses (
    accepted_at timestamp not null, accepted_by varchar not null, what varchar not null, archives bigint not null,
    records bigint not null, orders bigint not null, revenue decimal(18, 2) not null);
create table ops.vanished_files (name varchar primary key, told_at timestamp not null);
create table ops.sli (
    slo varchar not null, date date not null, counted_at timestamp not null,
    events bigint not null, bad bigint, value double);  -- so many events, so many of them bad; or one and what it took
create table ops.measures (
    date date not null, measure varchar not null, subject varchar not null, amount bigint not null, base bigint);
create table ops.anomalies (
    date date not null, measure varchar not null, subject varchar not null, value double not null,
    usual double not null, deviations double not null, is_blocking boolean not null);
create table ops.failovers (
    archive_id integer not null, name varchar not null, why varchar not null, is_served boolean not null,
    size_bytes bigint not null, mtime_ns bigint not null, sha256 varchar not null,  -- of the replica's copy
    failed_over_at timestamp not null);
create table ops.backlog_history (
    "at" timestamp not null, topic varchar not null,  -- of a table's files, its kind in brackets
    archives bigint not null, records bigint not null, bytes bigint not null, oldest_age_seconds bigint,
    seconds_to_clear bigint, known_loss_records bigint,
    arrived_records bigint not null, drained_records bigint not null,  -- since the beginning
    arrival_records_per_hour double, drain_records_per_hour double);  -- of the day before
create table ops.readings (archive_id integer primary key, settings varchar not null);
create table ops.meta (key varchar primary key, value varchar not null);
"""
