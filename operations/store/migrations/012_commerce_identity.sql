-- Commerce tracks are told apart by event and order too, dead letters name their field, and files the settings they were read under.
update raw.events
set message_id = cast(md5(replace(cast(message_id as varchar), '-', '') || event || order_id) as uuid)
where type = 'track' and event in ('Order Completed', 'Order Refunded', 'Order Cancelled') and order_id is not null;
alter table ops.dead_letters add column if not exists field varchar;
create table if not exists ops.readings (archive_id integer primary key, settings varchar not null);
