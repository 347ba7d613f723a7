-- What owners of a warehouse have given up as lost, in the region's file from its beginning.
create table if not exists ops.losses (
    accepted_at timestamp not null, accepted_by varchar not null, what varchar not null, archives bigint not null,
    records bigint not null, orders bigint not null, revenue decimal(18, 2) not null);
