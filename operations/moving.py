"""`romi move`: another engine builds the models from now on, once it has been seen to build the same.

A warehouse's state stands in the regions' files and the books, whichever engine fills their tables: nothing of it has
to be carried anywhere, and nothing is changed by a move. What a move needs is the proof. All days at hand are built
anew in two throwaway copies of the warehouse, by either engine, and each table has to come out the same, row by row.
Then one line of the configuration is replaced, by a rename. Until that, the engine of before is in charge, whatever is
killed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.books import region_file
from operations.beside import check_room, copy_warehouse, figures_of, publishable, throwaway
from operations.finance_tables.published_tables import ADJUSTMENTS, CLOSED_MONTHS, LOCKED, RESTATEMENTS
from operations.finance_tables.version_tables import quoted
from operations.rebuilding.engine.spark_session import check_installed
from operations.store.locks import OnWait, check_warehouse, exclusive, wait_quietly
from operations.store.versions import current_version
from privacy import storage
from settings import Settings, UsageError, load_settings, now
from settings.durable import write_durably

# Given settings and configuration's file of a throwaway warehouse: what failed of building all its days anew, and which
# of them it withheld.
Rebuild = Callable[[Settings, Path], tuple[list[str], dict[str, dict[str, str]]]]

_LINE = re.compile(r"""(?m)^(?P<key>["']?engine["']?[ \t]*:)[^\n#]*?(?P<note>[ \t]*(?:#[^\n]*)?)$""")
# Those of a version that do not speak of the moment of publishing.
_COMPARED = (*LOCKED, RESTATEMENTS, ADJUSTMENTS, CLOSED_MONTHS)
_BUILT = ("staging", "intermediate", "finance")


@dataclass
class Move:
    """What a move came to."""

    before: str
    to: str
    tables: int = 0  # compared, of regions and of what is published
    rows: int = 0
    differences: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def is_proven(self) -> bool:
        return not self.differences and not self.failures

    @property
    def is_switched(self) -> bool:
        """Whether it was this move that named the engine in the configuration."""
        return self.is_proven and self.before != self.to

    @property
    def exit_code(self) -> int:
        return 0 if self.is_proven else 1


@dataclass(frozen=True)
class _Switch:
    """The configuration's file, what it says now, and what it is to say."""

    path: Path
    before: bytes | None
    after: str

    @classmethod
    def of(cls, path: Path, to: str, settings: Settings) -> _Switch:
        """Of a file, or none, that is to name another engine and otherwise say what it says.

        Raises:
            UsageError: it cannot be written, or is not written as lines; or the engine refuses what it says.
        """
        path = path.resolve()  # where the name is a link, what it points to is replaced
        before = path.read_bytes() if path.is_file() else None
        text = (before or b"").decode()
        if not os.access(path.parent, os.W_OK) or (before is not None and not os.access(path, os.W_OK)):
            raise UsageError(f"{path} cannot be written, and a move ends by naming the engine there")
        after, count = _LINE.subn(rf"\g<key> {to}\g<note>", text)
        if not count:
            after = f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}engine: {to}\n"
        _check(path, after, to, settings)
        return cls(path, before, after)

    def make(self) -> None:
        """Replace the file.

        Raises:
            UsageError: somebody has changed it meanwhile.
        """
        if (self.path.read_bytes() if self.path.is_file() else None) != self.before:
            raise UsageError(f"{self.path} was changed meanwhile, so nothing is switched: run it again")
        mode = 0o666 if self.before is None else self.path.stat().st_mode & 0o777
        write_durably(self.path, self.after, mode)


def _check(path: Path, text: str, to: str, settings: Settings) -> None:
    """That the text says what `settings` say, but for the engine."""
    trial = path.with_name(f".{path.name}.move")
    try:
        write_durably(trial, text)
        said = load_settings(trial, warehouse=settings.warehouse, landing=settings.landing)
    except UsageError as error:
        raise UsageError(str(error).replace(str(trial), f"{path} with `engine: {to}`")) from error
    finally:
        trial.unlink(missing_ok=True)
    if said != settings.model_copy(update={"engine": to}):
        raise UsageError(f"{path} does not have its keys on lines of their own: write `engine: {to}` there by hand")


def move(settings: Settings, config: Path, to: str, rebuild: Rebuild, on_wait: OnWait = wait_quietly) -> Move:
    """Have another engine build the models from now on, if it builds what the present one does.

    Args:
        config: the configuration's file, in which the engine is named.
        rebuild: builds all days of a throwaway warehouse anew and publishes them there.

    Raises:
        UsageError: the engine is not installed or refuses the configuration; the configuration cannot be written, or
            was changed meanwhile; nothing is published, a version is pinned, or another came out meanwhile; the disk
            has no room for two copies.
        LostStateError: the published version is not whole.
    """
    done = Move(settings.engine, to)
    if settings.engine == to:
        return done
    check_warehouse(settings)
    switch = _Switch.of(config, to, settings)
    if to == "spark":
        check_installed(settings)
    with ExitStack() as stack:
        copies = [
            stack.enter_context(throwaway(settings, figures_of(settings), engine=engine))
            for engine in (done.before, to)
        ]
        with exclusive(settings, on_wait):
            version = publishable(settings)
            check_room(settings, len(copies))
            for made, _ in copies:
                copy_warehouse(settings, made)
        _prove(copies, rebuild, done)
    if done.is_proven:
        with exclusive(settings, on_wait):
            if current_version(settings) != version:
                raise UsageError("another version was published meanwhile, so nothing is switched: run it again")
            switch.make()
    return done


def _prove(copies: list[tuple[Settings, Path]], rebuild: Rebuild, done: Move) -> None:
    """Build both copies anew and enter what differs."""
    outcomes = []
    with _one_moment():
        for made, config in copies:
            failures, withheld = rebuild(made, config)
            done.failures += [f"on {made.engine}: {one}" for one in failures]
            if failures:
                return
            outcomes.append(withheld)
    if outcomes[0] != outcomes[1]:
        done.differences.append("other days are withheld")
    one, other = (made for made, _ in copies)
    for region in one.known_regions():
        if one.region_file(region).exists():
            _compare_region(one, other, region, done)
    _compare_published(one, other, done)


@contextmanager
def _one_moment() -> Iterator[None]:
    """Both are built at the same moment, so that no midnight comes between them."""
    was = os.environ.get("ROMI_NOW")
    os.environ["ROMI_NOW"] = now().isoformat()
    try:
        yield
    finally:
        del os.environ["ROMI_NOW"]
        os.environ.update({"ROMI_NOW": was} if was is not None else {})


def _compare_region(one: Settings, other: Settings, region: str, done: Move) -> None:
    with region_file(one, region, read_only=True) as con:
        storage.attach(con, other.region_file(region), other, region, alias="other", read_only=True)
        try:
            tables = [_tables_of(con, place) for place in (storage.ALIAS, "other")]
            for schema, table in sorted(tables[0] & tables[1]):
                _compare(con, f"{storage.ALIAS}.{schema}.{table}", f"other.{schema}.{table}", f"{region}: ", done)
            for schema, table in sorted(tables[0] ^ tables[1]):
                done.differences.append(f"{region}: {schema}.{table} is on one side alone")
        finally:
            con.execute("detach other")


def _tables_of(con: duckdb.DuckDBPyConnection, database: str) -> set[tuple[str, str]]:
    found = con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? and schema_name in ?",
        [database, list(_BUILT)],
    )
    return set(found.fetchall())


def _compare_published(one: Settings, other: Settings, done: Move) -> None:
    with duckdb.connect() as con:
        for name, made in (("one", one), ("other", other)):
            con.execute(f"attach {quoted(made.published.resolve() / 'marts.duckdb')} as {name} (read_only)")
        for table in _COMPARED:
            _compare(con, f"one.{table}", f"other.{table}", "published ", done)


def _compare(con: duckdb.DuckDBPyConnection, one: str, other: str, where: str, done: Move) -> None:
    """Both ways, since of rows that stand twice on one side EXCEPT ALL tells only from there."""
    rows, here, there = con.execute(f"""
        select (select count(*) from {one}), (select count(*) from (from {one} except all from {other})),
            (select count(*) from (from {other} except all from {one}))""").fetchall()[0]
    done.tables += 1
    done.rows += rows
    if here or there:
        table = one.partition(".")[2]
        done.differences.append(f"{where}{table}: {here:,} rows on {done.before} alone, {there:,} on {done.to} alone")
