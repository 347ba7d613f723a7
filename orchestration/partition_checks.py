"""Checks of a run over a range of partitions, as the UI shows them: what each came to, in every partition of the range.

Dagster plans such a check once for each partition and evaluates it once for the run, without a partition. What was
planned would then stand there as skipped, though it passed.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.event_log import SqlEventLogStorage
from sqlalchemy import text

# As if each partition had been evaluated, on its last materialization.
_SPREAD = """
    update asset_check_executions
    set execution_status = said.execution_status, evaluation_event = said.evaluation_event,
        evaluation_event_timestamp = said.evaluation_event_timestamp,
        evaluation_event_storage_id = said.evaluation_event_storage_id,
        materialization_event_storage_id = (
            select max(event_logs.id) from event_logs
            where event_logs.asset_key = said.asset_key and event_logs.partition = asset_check_executions.partition
                and event_logs.dagster_event_type = 'ASSET_MATERIALIZATION')
    from asset_check_executions as said
    where said.run_id = :run and said.partition is null and said.execution_status in ('SUCCEEDED', 'FAILED')
        and asset_check_executions.run_id = said.run_id and asset_check_executions.asset_key = said.asset_key
        and asset_check_executions.check_name = said.check_name and asset_check_executions.partition is not null
    """
_FORGET = """
    delete from asset_check_executions
    where run_id = :run and partition is null and exists (
        select 1 from asset_check_executions as one where one.run_id = asset_check_executions.run_id
            and one.asset_key = asset_check_executions.asset_key
            and one.check_name = asset_check_executions.check_name and one.partition is not null)
    """


def spread(context: dg.AssetExecutionContext) -> None:
    """Have every partition of the run show what its checks came to; to be called once these are told.

    A run of a single partition needs nothing, as its evaluations carry it. It is one statement for a run, since an
    event for each check and day would cost more than the work does.
    """
    log = context.instance.event_log_storage
    if not isinstance(log, SqlEventLogStorage) or context.op_execution_context.has_partition_key:
        return
    with log.index_connection() as connection:
        for statement in (_SPREAD, _FORGET):
            connection.execute(text(statement), {"run": context.run_id})
