"""A recorded build made again, without dbt: its statements in their order, for other days or regions and other rows.

The last row's number, which dbt asked for, is as it is there; Python models run as they stand; and tests are judged by
what they find, and told of as dbt would.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from operations import run_log
from operations.rebuilding.engine.built import TEST, Event, Hearing
from operations.rebuilding.engine.recording import ENDS, JUDGED, LAST_ROW, Call, Recording

_ROW_NUMBER = re.compile(r"(\browid (?:<=|>) )-?\d+")
_NODE = re.compile(r'"node_id": "([^"]+)"')  # in dbt's comment before each statement


class ReplayError(Exception):
    """A recorded statement failed; dbt has to make the build, and to say what is wrong with it."""


def replay(recording: Recording, hearing: Hearing, printed: list[str]) -> None:
    """Send the statements of a build again, to the file that dbt's plugin attaches, and tell of the nodes as dbt does.

    Args:
        printed: the days and names of this build, in the order of the recorded one's.

    Raises:
        ReplayError: a statement or a Python model failed; what was done until then is as a build leaves it that was
            killed there.
    """
    import duckdb
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.duckdb.environments.local import LocalEnvironment
    from dbt_common.exceptions import DbtRuntimeError

    environment = LocalEnvironment(DuckDBCredentials.from_dict(recording.credentials))
    try:
        under_way = _Replay(environment, hearing, _between(recording.printed, printed))
        for call in recording.calls:
            under_way.send(call)
    except (duckdb.Error, DbtRuntimeError) as error:
        raise ReplayError(str(error)) from error
    finally:
        environment.close()


@dataclass
class _Replay:
    """One that is under way."""

    environment: Any
    hearing: Hearing
    literals: Mapping[str, str]
    handles: dict[int, Any] = field(default_factory=dict)
    last_rows: dict[int, int] = field(default_factory=dict)  # by cursor
    failures: dict[str, int] = field(default_factory=dict)  # what tests found, by their ids
    begun: datetime = field(default_factory=lambda: _utc())
    invocation: str = field(default_factory=lambda: str(uuid.uuid4()))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(f"'({'|'.join(map(re.escape, self.literals))})'")

    def send(self, call: Call) -> None:
        if call.kind == "event":
            self._tell(deepcopy(call.arguments[0]))
            return
        handle = self.handles.get(call.cursor) or self.handles.setdefault(call.cursor, self.environment.handle())
        if call.kind == "python":
            alias, code = call.arguments
            self.environment.submit_python_job(handle, {"alias": alias}, code)
        elif call.kind in ENDS:
            getattr(handle, call.kind)()
        else:
            self._execute(call.cursor, handle.cursor(), *call.arguments)

    def _execute(self, number: int, cursor: Any, sql: str, bindings: Any) -> None:
        if self.literals:
            sql = self.pattern.sub(lambda found: f"'{self.literals[found[1]]}'", sql)
        if number in self.last_rows:
            sql = _ROW_NUMBER.sub(rf"\g<1>{self.last_rows[number]}", sql)
        found = cursor.execute(sql, bindings)
        if LAST_ROW in sql:
            self.last_rows[number] = found.fetchall()[0][0]
        elif JUDGED in sql:
            count, is_warned, _ = found.fetchall()[0]
            self.failures[_NODE.findall(sql)[0]] = count if is_warned else 0

    def _tell(self, event: Event) -> None:
        """An event of the recorded build, as it would be of this one."""
        now = _utc()
        data, node = event["data"], event["data"]["node_info"]
        event["info"].update(
            ts=f"{now.isoformat()}Z", invocation_id=self.invocation,
            extra={**event["info"].get("extra", {}), "ROMI_RUN_ID": run_log.run_id() or ""},
        )  # fmt: skip
        node.update(node_started_at=self.begun.isoformat(), node_finished_at=now.isoformat())
        data["execution_time"] = (now - self.begun).total_seconds()
        if event["info"]["name"] == TEST:
            failures = self.failures[node["unique_id"]]
            status = "warn" if failures else "pass"
            data.update(status=status, num_failures=failures)
            node["node_status"], event["info"]["level"] = status, "warn" if failures else "info"
            event["info"]["msg"] = f"{status.upper()} {failures} {data['name']}"
        self.begun = now
        self.hearing.take(event)


def _between(was: list[str], now: list[str]) -> dict[str, str]:
    """What a build prints, by what another printed in its place."""
    return {one: other for one, other in zip(was, now, strict=True) if one and one != other}


def _utc() -> datetime:
    """As dbt writes it, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
