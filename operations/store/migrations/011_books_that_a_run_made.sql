-- Books of service levels and of what is unusual, which a run made when it needed them.
create table if not exists ops.sli (
    slo varchar not null, date date not null, counted_at timestamp not null,
    events bigint not null, bad bigint, value double);
create table if not exists ops.measures (
    date date not null, measure varchar not null, subject varchar not null, amount bigint not null, base bigint);
create table if not exists ops.anomalies (
    date date not null, measure varchar not null, subject varchar not null, value double not null,
    usual double not null, deviations double not null, is_blocking boolean not null);
