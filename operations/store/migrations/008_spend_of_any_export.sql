-- Spend as any tool exports it, and the rows of tables that were refused.
alter table raw.spend alter column impressions drop not null;
alter table raw.spend alter column clicks drop not null;
alter table raw.spend add column if not exists spend_rest bigint default 0;
alter table raw.spend add column if not exists account varchar;
alter table raw.spend add column if not exists delivery varchar;
alter table raw.spend add column if not exists delivery_order varchar;
alter table raw.spend add column if not exists row_hash ubigint;
alter table raw.spend add column if not exists entity_hash ubigint;
alter table raw.spend add column if not exists extracted_at varchar;
create table if not exists ops.refused_rows (
    archive_id integer not null, line bigint not null, reason varchar not null, column_name varchar,
    day date, until date);
create table if not exists ops.refused_days (
    archive_id integer not null, day date not null, records bigint not null, primary key (archive_id, day));
create table if not exists ops.vanished_files (name varchar primary key, told_at timestamp not null);
