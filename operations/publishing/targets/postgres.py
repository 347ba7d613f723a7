"""The published tables in a PostgreSQL: the version that the files show, whole, in one transaction.

Rows are replaced by delete and copy, not by swapping tables: a reader waits for nothing and sees one version in one
snapshot, whatever the isolation level; grants, comments and the views that others built on the tables stay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import duckdb

from operations.finance_tables.published_tables import CONTRACT_VERSION
from operations.publishing.targets.postgres_tables import Target, bring_forward, targets
from operations.store.versions import current_version, version_dir
from settings import PermanentError, Settings, TransientError, UsageError

if TYPE_CHECKING:
    import psycopg

_LOCK = 7_664_001  # of PostgreSQL's advisory locks: one delivery at a time
_CHUNK = 1 << 20
_CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Delivery:
    """A version that was just delivered."""

    version: int
    rows: dict[str, int]

    @property
    def facts(self) -> dict[str, int]:
        """The version, and the rows of each table, as an asset's metadata."""
        return {"version": self.version, **{f"rows/{table}": count for table, count in self.rows.items()}}


def deliver(settings: Settings) -> Delivery | None:
    """Bring PostgreSQL to the version that the files show, where it shows another one, or where somebody has changed
    rows there. The caller holds the warehouse.

    Returns:
        None where no PostgreSQL is configured, nothing is published, or it shows this version already.

    Raises:
        UsageError: the environment variable with the connection string is not set.
        TransientError: PostgreSQL cannot be reached, or went away: it shows what it showed, and the next run delivers.
        PermanentError: it refuses what has to be done there.
    """
    current = current_version(settings)
    if settings.publish.postgres is None or current is None:
        return None
    folder = version_dir(settings, current)
    with _connected(settings.publish.postgres.environment) as connection, opened(folder) as shown:
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        found = bring_forward(connection)
        if found == (current, CONTRACT_VERSION) and _is_as_delivered(connection, shown):
            return None
        rows = {one.name: _replace(connection, one, shown) for one in targets()}
        connection.execute(
            "insert into meta.delivered values (true, %s, %s, now()) on conflict (is_here) do update set"
            " version = excluded.version, contract = excluded.contract, delivered_at = excluded.delivered_at",
            [current, CONTRACT_VERSION],
        )
    return Delivery(current, rows)


def _is_as_delivered(connection: psycopg.Connection[Any], shown: duckdb.DuckDBPyConnection) -> bool:
    """Whether PostgreSQL has as many rows as the version, each one written by the transaction that delivered it."""
    counts = " union all ".join(
        f"select '{one.name}', count(*), count(*) filter (where here.xmin = delivered.xmin)"
        f" from {one.name} as here cross join meta.delivered as delivered"
        for one in targets()
    )
    expected = {one.name: (rows, rows) for one in targets() for rows in [_count(one, shown)]}
    return expected == {name: (rows, delivered) for name, rows, delivered in connection.execute(counts)}


def _count(target: Target, shown: duckdb.DuckDBPyConnection) -> int:
    if not _columns_of(target, shown):
        return 0
    found: int = shown.execute(f"select count(*) from {target.file}_file.{target.table}").fetchall()[0][0]
    return found


@contextmanager
def _connected(variable: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that is committed at the end, or did nothing."""
    import psycopg

    address = os.environ.get(variable)
    if not address:
        raise UsageError(
            f"publish.postgres: the environment variable {variable} is not set; it holds the connection string, such as"
            f" {variable}='postgresql://romi@localhost/finance'"
        )
    try:
        psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error:  # whose text quotes what it cannot read, and with it a password
        raise UsageError(f"publish.postgres: {variable} is not a connection string of PostgreSQL") from None
    try:
        with psycopg.connect(address, connect_timeout=_CONNECT_SECONDS) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise TransientError(f"PostgreSQL ({variable}) {_reason(error)}; the next `romi run` delivers") from error
    except psycopg.Error as error:
        raise PermanentError(f"PostgreSQL ({variable}) {_reason(error)}") from error


def _reason(error: psycopg.Error) -> str:
    """Without the connection string, which libpq does not quote, and without rows, which stand in the details."""
    said = error.diag.message_primary or next(iter(str(error).strip().splitlines()), "")
    return f"cannot be reached: {said}" if error.sqlstate is None else f"refuses: {said}"


@contextmanager
def opened(version: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The files of a version, each attached by its name."""
    with duckdb.connect() as con:
        for file in sorted({one.file for one in targets()}):
            con.execute(f"attach '{version / file}.duckdb' as {file}_file (read_only)")
        yield con


def _replace(connection: psycopg.Connection[Any], target: Target, shown: duckdb.DuckDBPyConnection) -> int:
    """The rows of one table; returns how many there are now. DuckDB writes them while PostgreSQL takes them in."""
    connection.execute(f"delete from {target.name}")
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as pool, open(reading, "rb", buffering=0) as rows:
        written = pool.submit(_write_into, writing, target, shown)
        count = copy_rows(connection, target.name, target, rows)
        written.result()
    return count


def _write_into(pipe: int, target: Target, shown: duckdb.DuckDBPyConnection) -> None:
    try:
        write_rows(target, shown, f"/dev/fd/{pipe}")
    finally:
        os.close(pipe)  # or nobody would tell the other end that there is no more


def copy_rows(connection: psycopg.Connection[Any], name: str, target: Target, rows: IO[bytes]) -> int:
    """Copy what :func:`write_rows` writes into the table `name`; returns how many rows."""
    into = f"copy {name} ({target.columns_in_sql}) from stdin (format csv, null '\\N')"
    with connection.cursor() as cursor:
        with cursor.copy(into) as copy:
            while chunk := rows.read(_CHUNK):
                copy.write(chunk)
        return cursor.rowcount


def write_rows(target: Target, shown: duckdb.DuckDBPyConnection, path: str) -> None:
    """A published table as CSV; what a version of an earlier release does not have is null, or no rows."""
    there = _columns_of(target, shown)
    columns = ", ".join(_as_text(name, kind, name in there) for name, kind in target.table.columns.items())
    rows = f"from {target.file}_file.{target.table}" if there else "where false"
    options = "format csv, header false, nullstr '\\N', use_tmp_file false"
    shown.execute(f"copy (select {columns} {rows}) to '{path}' ({options})")


def _columns_of(target: Target, shown: duckdb.DuckDBPyConnection) -> set[str]:
    """None where the version has no such table."""
    return {name for (name,) in shown.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ?",
        [f"{target.file}_file", target.table.schema, target.table.name]).fetchall()}  # fmt: skip


def _as_text(name: str, kind: str, is_there: bool) -> str:
    """A column in SQL. PostgreSQL's text holds no NUL, which a campaign's name may have."""
    if not is_there:
        return f'null as "{name}"'
    return f'replace("{name}", chr(0), \'\') as "{name}"' if kind == "VARCHAR" else f'"{name}"'
