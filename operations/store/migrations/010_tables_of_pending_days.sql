-- Days that wait for some of their tables alone.
alter table ops.pending_days add column if not exists tables varchar[];
