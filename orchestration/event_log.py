"""Dagster's event log, written by one process through connections that it keeps.

Dagster's own storage opens a database and closes it again up to seven times for each event. A run that rebuilds a month
writes more than a thousand of them, which then cost more than dbt's work does.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dagster import EventLogEntry
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageMetadata,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sql import get_alembic_config
from dagster._serdes import serialize_value
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster's own setting, read from the environment
_TIMEOUT_SECONDS = 60
_REVISION = text("select 1 from alembic_version")
# Events that stand in the index as well as in the run's own file.
_MIRRORED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}
_INSERTED = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)


class KeptOpenEventLog(SqliteEventLogStorage):
    """Dagster's own storage, in its files; only connections are kept, and a batch is one transaction.

    Not for a process that lives on while others may remove the files, such as the daemon's.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._connections: dict[tuple[str, int], Connection] = {}
        self._tables: set[str] = set()
        self._partitions: set[tuple[str, str]] = set()  # that there are: a run asks several times for each table
        super().__init__(base_dir, inst_data)
        self._db_lock = threading.RLock()  # type: ignore[assignment]  # a batch holds it through its events

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> KeptOpenEventLog:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            connection = self._kept(shard)
            if connection.in_transaction():
                yield connection
            else:
                with connection.begin():
                    yield connection

    def _kept(self, shard: str) -> Connection:
        key = shard, threading.get_ident()
        if key not in self._connections:
            address = self.conn_string_for_shard(shard)
            engine = create_engine(address, poolclass=NullPool, connect_args={"timeout": _TIMEOUT_SECONDS})
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._connections[key] = engine.connect()
        return self._connections[key]

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Make a run's own file; Dagster's own reads all of its migrations for that, several times."""
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            if "alembic_version" in tables and connection.execute(_REVISION).first():
                return
            if not tables and not for_index_shard:
                connection.execute(text("pragma journal_mode = wal"))
                SqlEventLogStorageMetadata.create_all(connection)
                MigrationContext.configure(connection).stamp(_migrations(), "head")
                connection.commit()
                return
        super()._initdb(engine, for_index_shard)

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._tables:
            with self.index_connection() as connection:
                if not inspect(connection).has_table(table_name):
                    return False
            self._tables.add(table_name)
        return True

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        known = partitions_def_name, partition_key
        if known not in self._partitions and super().has_dynamic_partition(*known):
            self._partitions.add(known)
        return known in self._partitions

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        self._partitions.discard((partitions_def_name, partition_key))
        super().delete_dynamic_partition(partitions_def_name, partition_key)

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        return True  # this Dagster made the table; its own storage looks for each event

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Each event is told once, in few statements, and of each asset only the last is noted as its last."""
        rows = [self._event_to_row(event) for event in events]
        mirrored = [place for place, event in enumerate(events) if event.dagster_event_type in _MIRRORED]
        with ExitStack() as transactions:
            index, *runs = (
                transactions.enter_context(self._connect(shard))
                for shard in (INDEX_SHARD_NAME, *dict.fromkeys(event.run_id for event in events))
            )
            for run, connection in zip(dict.fromkeys(event.run_id for event in events), runs, strict=True):
                connection.execute(SqlEventLogStorageTable.insert(), [row for row in rows if row["run_id"] == run])
            if mirrored:
                ids: Sequence[int] = index.execute(_INSERTED, [rows[place] for place in mirrored]).scalars().all()
                self._note(index, [events[place] for place in mirrored], ids)

    def _note(self, index: Connection, events: Sequence[EventLogEntry], ids: Sequence[int]) -> None:
        """What the index keeps of events of assets and checks, besides themselves."""
        of_assets = [pair for pair in zip(events, ids, strict=True) if pair[0].dagster_event_type in ASSET_EVENTS]
        if of_assets:
            self._store_asset_event_tags(index, *zip(*of_assets, strict=True))
        last: dict[tuple[Any, Any], tuple[EventLogEntry, int]] = {}
        for event, event_id in of_assets:
            key = event.get_dagster_event().asset_key, event.dagster_event_type
            last.pop(key, None)  # the order is that of the last of each
            last[key] = event, event_id
        for event, event_id in last.values():
            self._store_asset_event(index, event, event_id)
        for event, event_id in zip(events, ids, strict=True):
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, event_id)

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """A row for each partition, as in Dagster's own, where each of them holds the keys of all."""
        told = event.get_dagster_event()
        planned = cast(AssetCheckEvaluationPlanned, told.event_specific_data)
        if planned.partitions_subset is None:
            super()._store_asset_check_evaluation_planned(event, event_id)
            return
        alone = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
        row = {
            "asset_key": planned.asset_key.to_string(), "check_name": planned.check_name, "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event._replace(dagster_event=told._replace(event_specific_data=alone))),
            "evaluation_event_timestamp": self._event_insert_timestamp(event), "evaluation_event_storage_id": event_id,
        }  # fmt: skip
        with self.index_connection() as connection:
            rows = [{**row, "partition": key} for key in planned.partitions_subset.get_partition_keys()]
            connection.execute(AssetCheckExecutionsTable.insert(), rows)

    def dispose(self) -> None:
        with self._db_lock:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()
        super().dispose()


@cache
def _migrations() -> ScriptDirectory:
    """Those of Dagster's event log in SQLite."""
    return ScriptDirectory.from_config(get_alembic_config(sqlite_event_log.__file__))


@contextmanager
def in_batches(size: int = 500) -> Iterator[None]:
    """Have Dagster hand over the events of many partitions together."""
    before = os.environ.get(BATCH_SIZE)
    os.environ[BATCH_SIZE] = before or str(size)
    try:
        yield
    finally:
        if before is None:
            del os.environ[BATCH_SIZE]


def overrides(home: Path) -> dict[str, Any]:
    """Of an instance's configuration, where it does not name a storage itself."""
    named = yaml.safe_load((home / "dagster.yaml").read_text()) or {}
    if {"storage", "event_log_storage"} & named.keys():
        return {}
    place = {"base_dir": str(home / "history" / "runs")}
    return {"event_log_storage": {"module": __name__, "class": KeptOpenEventLog.__name__, "config": place}}
