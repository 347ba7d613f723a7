-- The history of the backlog as a table: how deep it was at each commit, how fast it filled and drained.
create table if not exists ops.backlog_history (
    "at" timestamp not null, topic varchar not null,
    archives bigint not null, records bigint not null, bytes bigint not null, oldest_age_seconds bigint,
    seconds_to_clear bigint, known_loss_records bigint,
    arrived_records bigint not null, drained_records bigint not null,
    arrival_records_per_hour double, drain_records_per_hour double);
