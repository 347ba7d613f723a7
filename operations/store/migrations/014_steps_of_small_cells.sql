-- No more maps of segments: the next run publishes every month anew, as one step.
drop table if exists intermediate.int_privacy__segment_cells;
