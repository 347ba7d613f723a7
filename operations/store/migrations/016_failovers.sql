-- When the replica of a region served for what its landing zone did not have whole.
create table if not exists ops.failovers (
    archive_id integer not null, name varchar not null, why varchar not null, is_served boolean not null,
    size_bytes bigint not null, mtime_ns bigint not null, sha256 varchar not null, failed_over_at timestamp not null);
