"""Dagster's event log, written by one process through connections that it keeps.

Dagster's own storage opens a database and closes it again up to seven times for each event. A run that rebuilds a month
writes more than a thousand of them, which then cost more than dbt's work does.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from dagster import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.pool import NullPool

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"  # Dagster's own setting, read from the environment
_TIMEOUT_SECONDS = 60


class KeptOpenEventLog(SqliteEventLogStorage):
    """Dagster's own storage, in its files; only connections are kept, and a batch is one transaction.

    Not for a process that lives on while others may remove the files, such as the daemon's.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._connections: dict[tuple[str, int], Connection] = {}
        self._tables: set[str] = set()
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

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._tables:
            with self.index_connection() as connection:
                if not inspect(connection).has_table(table_name):
                    return False
            self._tables.add(table_name)
        return True

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        with ExitStack() as transactions:
            for shard in (INDEX_SHARD_NAME, *dict.fromkeys(event.run_id for event in events)):
                transactions.enter_context(self._connect(shard))
            for event in events:
                self.store_event(event)

    def dispose(self) -> None:
        with self._db_lock:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()
        super().dispose()


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
