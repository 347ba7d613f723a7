"""The figures of a closed month made anew, in a throwaway warehouse, from its archived inputs and nothing else.

A warehouse built from nothing has the cells of one single step, and persons who were erased since are in none, so what
stands under which campaign may differ: that is told. What must be equal to the cent is everything that is not credited:
orders, cost and reconciliation by day; and of what is credited, the sum over all cells, by period and model.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import polars as pl

from ingestion.books import region_file
from ingestion.landing import text_of
from ingestion.zone import File, ObjectFile, Zone, file_sha256, zone
from operations.beside import throwaway
from operations.closes.contents import CONFIGURATION, INPUTS, SET_ASIDE
from operations.closes.locks import Lock
from operations.closes.verify import Difference, Verified, differing_rows
from operations.finance_tables.published_tables import FINANCE, Table, in_sql
from operations.finance_tables.version_tables import quoted
from operations.quarantine import Place, add
from operations.store.locks import wait_quietly
from privacy.keys import key_file
from settings import PermanentError, RomiError, Settings, TransientError

# Given settings and configuration's file of a throwaway warehouse: what failed of its run, and which days it withheld.
Run = Callable[[Settings, Path], tuple[list[str], dict[str, dict[str, str]]]]

_NEVER_DISPOSED = 36_500  # days: what was accepted then is to be accepted again
_MEASURES = ("spend", "impressions", "clicks", "conversions", "revenue", "refunds", "net_revenue", "cogs", "margin")


def recompute(settings: Settings, found: Verified, run: Run) -> None:
    """Make the month's figures anew from the landing zone at hand, and enter what differs.

    Raises:
        UsageError: there is no landing zone.
        TransientError: an input cannot be read.
    """
    lock = found.lock
    values = json.loads((lock.folder / CONFIGURATION).read_text())
    values["retention"] = {**values["retention"], "raw_days": _NEVER_DISPOSED}
    has_keys = key_file(settings.warehouse).is_file()
    if not has_keys:
        found.notes.append("made anew with other keys: who was erased since counts again")
    landing = zone(settings.landing)
    with throwaway(settings, values, has_keys=has_keys) as (made, config):
        missing = list(_lay_out(lock, landing, Path(made.landing)))
        found.differences += missing
        if missing:
            return
        _keep_the_erased_out(settings, made)
        for _ in _runs_needed(lock):
            failures, withheld = run(made, config)
            if failures:
                found.differences.append(Difference("recomputing", "; ".join(failures)))
                return
            _set_aside(lock, made)
        found.differences += [
            Difference("recomputing", f"{region} {day} is withheld: {why}")
            for region, days in withheld.items() for day, why in days.items() if day[:7] == str(lock)
        ]  # fmt: skip
        _compare(lock, made, found)


def _lay_out(lock: Lock, landing: Zone, to: Path) -> Iterator[Difference]:
    """Give the throwaway warehouse a landing zone of the locked inputs alone."""
    lying: dict[str, dict[str, File]] = {}  # by folder at the top, each listed once
    for region, kind, name, sha256 in pl.read_parquet(lock.folder / INPUTS).select(
        "region", "kind", "name", "sha256"
    ).iter_rows():  # fmt: skip
        place = name if kind == "fx" else f"{region}/{name}"
        folder, _, below = place.partition("/")
        if folder not in lying:
            lying[folder] = {text_of(found): file for found, file in landing.files(folder)}
        file = lying[folder].get(below)
        if file is None:
            yield Difference(place, "is not in the landing zone any more")
            continue
        target = to / place
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(file, target)
        if file_sha256(target) != sha256:
            yield Difference(str(file), "is not the file that was loaded")


def _copy(file: File, target: Path) -> None:
    """Bring a file here: by a link where that can be, else by its bytes, each of which is read once.

    Raises:
        TransientError: it went away since it was listed, or cannot be read.
    """
    if not isinstance(file, ObjectFile):
        with suppress(OSError):  # another disk
            os.link(str(file), target)
            return
    try:
        with file.open("rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except OSError as error:
        raise TransientError(f"{file} cannot be read: {error.strerror}") from error


def _keep_the_erased_out(settings: Settings, made: Settings) -> None:
    for book in (settings.warehouse / "books").glob("*/suppression.jsonl"):
        target = made.warehouse / "books" / book.parent.name / book.name
        target.parent.mkdir(parents=True, mode=0o700)
        shutil.copyfile(book, target)
        target.chmod(0o600)


def _runs_needed(lock: Lock) -> range:
    """A second one where orders or records were set aside, which can be done only once they are loaded."""
    return range(2 if pl.read_parquet(lock.folder / SET_ASIDE).height else 1)


def _set_aside(lock: Lock, made: Settings) -> None:
    aside = pl.read_parquet(lock.folder / SET_ASIDE)
    for region, order, archive, offset in aside.iter_rows():
        with suppress(RomiError):  # set aside already, as by the first run
            place = Place(None, archive, offset) if order is None else Place(_order_of(made, region, order))
            add(made, region, place, "was set aside when the month was closed", "romi close verify", wait_quietly)


def _order_of(made: Settings, region: str, sha256: str) -> str | None:
    with region_file(made, region, read_only=True) as con:
        found = con.execute(
            """select order_id from (select order_id from raw.ledger_orders union select order_id from raw.events)
            where sha256(order_id) = ?""", [sha256],
        ).fetchone()  # fmt: skip
    return found[0] if found else None


def _compare(lock: Lock, made: Settings, found: Verified) -> None:
    path = made.published.resolve() / "marts.duckdb"
    if not path.is_file():
        raise PermanentError("nothing was published of the inputs")
    with duckdb.connect(str(path), read_only=True) as con:
        moved = sum(_compare_table(con, lock, table, found) for table in FINANCE if lock.figures(table).is_file())
    if moved:
        found.notes.append(f"{moved:,} rows of credit stand under other cells: what is made from nothing is one step")


def _compare_table(con: duckdb.DuckDBPyConnection, lock: Lock, table: Table, found: Verified) -> int:
    """Enter what differs; returns how many rows of credit stand elsewhere, which alone is no difference."""
    if (days := lock.days(table)) is None:
        return 0
    rows = f"{table} where {table.period} between '{days[0]}' and '{days[1]}'"
    locked = f"read_parquet({quoted(lock.figures(table))})"
    count = differing_rows(con, table, rows, locked, ("is_final",))
    if not table.is_stepping:
        if count:
            what = f"{count:,} rows differ, the first is {_first(con, table, rows, locked)}"
            found.differences.append(Difference(str(table), what))
        return 0
    if sums := _differing_sums(con, table, rows, locked):
        found.differences.append(Difference(str(table), f"the sums of {sums:,} periods and models differ"))
    return count


def _differing_sums(con: duckdb.DuckDBPyConnection, table: Table, rows: str, locked: str) -> int:
    """By period, region and model. What is learned has no sums, and those of what is cumulated follow its cells."""
    has = {name for (name, *_) in con.execute(f"describe from {locked}").fetchall()}
    measures = [name for name in _MEASURES if name in table.columns and name in has]
    if not measures or table.is_cumulative:
        return 0
    summed = ", ".join(f"sum({one}) as {one}" for one in measures)
    by = in_sql(name for name in (table.period, "region", "attribution_model") if name in table.columns)
    sides = [f"select {by}, {summed} from {side} group by all" for side in (rows, locked)]
    count: int = con.execute(
        f"select count(*) from (({sides[0]} except {sides[1]}) union all ({sides[1]} except {sides[0]}))"
    ).fetchall()[0][0]
    return count


def _first(con: duckdb.DuckDBPyConnection, table: Table, rows: str, locked: str) -> str:
    """The first region and period that differ."""
    columns = in_sql(name for name in table.columns if name != "is_final")
    region, period = con.execute(
        f"""select region, {table.period} from (
            (select {columns} from {locked} except all select {columns} from {rows}) union all
            (select {columns} from {rows} except all select {columns} from {locked})) order by all limit 1"""
    ).fetchall()[0]
    return f"{region} {period}"
