"""The published tables as PostgreSQL has them: schemas, columns, comments, and who may read which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.dp_release import released_marts
from operations.finance_tables.published_tables import CONTRACT_VERSION, PUBLISHED, Table, dictionary, in_sql
from settings import PermanentError

if TYPE_CHECKING:
    import psycopg

SCHEMAS = ("finance", "meta", "released")
# Who reads what; both are roles to be granted to the users who log in.
READERS = {"romi_finance": SCHEMAS, "romi_public": ("released",)}
_TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "TIMESTAMP": "timestamp"}
_DELIVERED = """
    create table meta.delivered (
        is_here boolean primary key check (is_here), version bigint not null, contract integer not null,
        delivered_at timestamptz not null);
    comment on table meta.delivered is
        'The version of the warehouse that these tables show, the version of their contract, and since when.';
    """


@dataclass(frozen=True)
class Target:
    """A published table, the name of the version's file that has it, and its schema in PostgreSQL."""

    table: Table
    file: str
    schema: str

    @property
    def name(self) -> str:
        return f'{self.schema}."{self.table.name}"'

    @property
    def columns_in_sql(self) -> str:
        return in_sql(self.table.columns)


def targets() -> tuple[Target, ...]:
    """All tables. What `released.duckdb` says of itself stands in `released`, since `meta` is not for everyone."""
    return (
        *(Target(table, "marts", table.schema) for table in PUBLISHED),
        *(Target(table, "released", "released") for table in released_marts.RELEASED),
    )


def bring_forward(connection: psycopg.Connection[Any]) -> tuple[int, int] | None:
    """Have the tables and roles that this contract needs; returns the version and the contract that are delivered,
    None where not all of it is.

    Raises:
        PermanentError: tables of these names are there that no delivery made, or of other types.
    """
    known = _columns(connection)
    found = None
    if ("meta", "delivered") in known:
        found = connection.execute("select version, contract from meta.delivered").fetchone()
    elif taken := sorted({schema for schema, _ in known}):
        raise PermanentError(
            f"PostgreSQL has tables in {', '.join(taken)} that are not the warehouse's: give it a database of its own"
        )
    statements = [one for target in targets() for one in _made(target, known.get((target.schema, target.table.name)))]
    if found is None:
        schemas = "; ".join(f"create schema if not exists {schema}" for schema in SCHEMAS)
        connection.execute(f"{schemas}; {_DELIVERED}")
    for statement in statements:
        connection.execute(statement)
    if statements or found is None:
        _describe(connection)
        _grant(connection)
    # A table or column that was just made holds nothing: somebody dropped it, or the contract is a later one.
    return None if statements or found is None else (int(found[0]), int(found[1]))


def _columns(connection: psycopg.Connection[Any]) -> dict[tuple[str, str], dict[str, str]]:
    """By schema and table, the columns with their types in PostgreSQL's spelling."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        """select nspname, relname, attname, format_type(atttypid, atttypmod) from pg_attribute
        join pg_class on attrelid = pg_class.oid join pg_namespace on relnamespace = pg_namespace.oid
        where nspname = any(%s) and relkind = 'r' and attnum > 0 and not attisdropped order by attnum""",
        [list(SCHEMAS)],
    ).fetchall():
        found.setdefault((schema, table), {})[column] = kind
    return found


def _made(target: Target, known: dict[str, str] | None) -> list[str]:
    """What makes the table, or adds the columns that it lacks."""
    wanted = {name: _type(kind) for name, kind in target.table.columns.items()}
    if known is None:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in wanted.items())
        return [f"create table {target.name} ({columns})"]
    if odd := [name for name, kind in known.items() if name in wanted and _spelled(wanted[name]) != kind]:
        raise PermanentError(
            f"PostgreSQL's {target.name} has {', '.join(odd)} of another type than the contract: drop the schemas"
            f" {', '.join(SCHEMAS)}, and the next run delivers them anew"
        )
    return [f'alter table {target.name} add column "{name}" {wanted[name]}' for name in wanted if name not in known]


def _type(kind: str) -> str:
    return _TYPES.get(kind) or kind.lower().replace("decimal", "numeric")


def _spelled(kind: str) -> str:
    """As PostgreSQL spells it back."""
    return "timestamp without time zone" if kind == "timestamp" else kind


def _describe(connection: psycopg.Connection[Any]) -> None:
    """Comments: of the schemas the contract, of each column what it means, in which unit and from where."""
    from psycopg import sql

    for schema in SCHEMAS:
        said = (
            f"Published by the ROMI warehouse, contract version {CONTRACT_VERSION}; meta.delivered says which version."
        )
        connection.execute(sql.SQL("comment on schema {} is {}").format(sql.Identifier(schema), sql.Literal(said)))
    for schema, table, column, meaning, unit, source in (*dictionary(), *_of_released()):
        place = sql.Identifier(schema, table, column)
        said = f"{meaning}. Unit: {unit}. Source: {source}."
        connection.execute(sql.SQL("comment on column {} is {}").format(place, sql.Literal(said)))


def _of_released() -> list[tuple[str, ...]]:
    return [("released", *row[1:]) for row in released_marts.dictionary()]


def _grant(connection: psycopg.Connection[Any]) -> None:
    """Roles are the server's, so another database may have made them; grants are this database's."""
    for role, schemas in READERS.items():
        there = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        if there is None:
            connection.execute(f"create role {role} nologin")
        for schema in schemas:
            connection.execute(f"grant usage on schema {schema} to {role}")
            connection.execute(f"grant select on all tables in schema {schema} to {role}")
