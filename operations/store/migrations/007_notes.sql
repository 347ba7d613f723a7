-- Books of what was odd about values that were used all the same.
create table if not exists ops.notes (
    archive_id integer not null, field varchar not null, note varchar not null, records bigint not null,
    primary key (archive_id, field, note));
-- The first warehouses of format 6 lack it.
alter table raw.events add column if not exists is_consent_stated boolean;
