"""A region's file at rest: the one way to open it, encrypted where the configuration wants it and DuckDB can.

DuckDB encrypts the file, its log and what it spills with AES-256-GCM. It can write so only with OpenSSL, which its
``httpfs`` extension brings (the package ``duckdb-extension-httpfs``; nothing is downloaded). A file says of itself
whether it is encrypted, so the configuration counts only where one is made or written anew. The key travels as a bound
parameter and stands in no SQL text; it is the 64 digits of the key file, so that people can open a file by hand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb

from privacy.keys import region_key
from settings import Settings, TransientError, UsageError

ALIAS = "region"  # what every connection calls the region's file, dbt's included
_LOCK_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_KEPT = 4
# Rows that one thread writes and reads at a time: DuckDB's own 122,880 are all that many a table here has.
_ROW_GROUP = 20_480
# Instances by the file that they had last, kept with nothing attached: loading the extension takes longer than a small
# archive.
_idle: dict[Path, duckdb.DuckDBPyConnection] = {}
_guard = threading.Lock()
_shares = 1  # processes that divide the memory that DuckDB would take


def wants_encryption(settings: Settings) -> bool:
    """Whether a file that is made or written anew is to be encrypted.

    Raises:
        UsageError: the configuration asks for it, and DuckDB cannot.
    """
    asked = settings.privacy.encryption_at_rest
    if asked and extension() is None:
        raise UsageError(
            "privacy.encryption_at_rest: DuckDB writes encrypted files only with its httpfs extension:"
            f" install duckdb-extension-httpfs=={duckdb.__version__}"
        )
    return asked is not False and extension() is not None


@cache
def extension() -> Path | None:
    """The extension's file of this DuckDB, as its package brings it."""
    try:
        import duckdb_extension_httpfs as package
    except ImportError:
        return None
    path = Path(package.__file__).parent / f"extensions/v{duckdb.__version__}/httpfs.duckdb_extension"
    return path if path.is_file() else None


def is_encrypted(path: Path) -> bool:
    """What a file says of itself; False where there is none, or no database."""
    try:
        with path.open("rb") as file:
            header = file.read(28)
    except OSError:
        return False
    # A block's checksum, "DUCK", the version, and flags, of which the first bit means encrypted.
    return header[8:12] == b"DUCK" and len(header) == 28 and bool(header[20] & 1)


@contextmanager
def opened(
    path: Path, settings: Settings, region: str, *, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a region's file, or a copy of one, as its default database.

    Raises:
        TransientError: another process holds the file and did not let go in about six seconds, or it cannot be read.
        UsageError: its key is missing or another one.
    """
    instance = _take(path)
    try:
        con = instance.cursor()
        try:
            attach(con, path, settings, region, read_only=read_only)
            con.execute(f"use {ALIAS}")
            yield con
        finally:
            con.close()
        instance.execute(f"detach database if exists {ALIAS}; set memory_limit = '{_usual_memory()}'")
    except BaseException:
        instance.close()  # after an error DuckDB may refuse all that follows
        raise
    _give_back(path, instance)


def share_memory(processes: int) -> None:
    """Have every database that this process opens from now on keep to its share of what DuckDB would take."""
    global _shares
    with _guard:
        while processes != _shares and _idle:
            _idle.popitem()[1].close()  # it keeps to the share that it was made with
        _shares = processes


def prepare(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Before a region's file is attached: spill beside it, encrypted, and fetch nothing from anywhere."""
    if _shares > 1:
        con.execute(f"set memory_limit = '{_usual_memory()}'")
    con.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    con.execute("set enable_progress_bar = false")  # a checkpoint shows one, too
    if (found := extension()) is not None:
        con.execute(f"load {_quoted(found)}; set temp_file_encryption = true")
    con.execute(_spill_beside(path))


def _spill_beside(path: Path) -> str:
    return f"set temp_directory = {_quoted(path.with_name(f'{path.name}.tmp'))}"


def attach(
    con: duckdb.DuckDBPyConnection, path: Path, settings: Settings, region: str, *, alias: str = ALIAS,
    read_only: bool = False,
) -> None:  # fmt: skip
    """Attach a region's file, which a writer makes where it is not there; waits a little for who holds it.

    Raises: as :func:`opened`.
    """
    is_new = not path.exists() or not path.stat().st_size
    has_key = wants_encryption(settings) if is_new else is_encrypted(path)
    key = region_key(settings.warehouse, region, "storage", make=is_new).secret if has_key else None
    if key and not read_only and extension() is None:
        raise UsageError(f"{path} is encrypted: to write it, install duckdb-extension-httpfs=={duckdb.__version__}")
    options = ["read_only" if read_only else f"row_group_size {_ROW_GROUP}", *(["encryption_key ?"] if key else [])]
    if is_new and not read_only:
        options.append("storage_version 'latest'")  # the default is one that old versions read, and packs text slowly
    statement = f"attach {_quoted(path)} as {alias} ({', '.join(options)})"
    for wait in (*_LOCK_WAITS, None):
        try:
            con.execute(statement, [key.hex()] if key else None)
            return
        except duckdb.Error as error:
            if "Wrong encryption key" in str(error):
                raise UsageError(
                    f"{path} does not open with the storage key of region {region} at hand: give it the one it was"
                    " written with (ROMI_KEY_FILE)"
                ) from None
            if "set lock on file" not in str(error) and "file handle conflict" not in str(error):
                raise TransientError(f"{path} cannot be opened as a region's file") from error
            if wait is None:
                raise TransientError(f"{path} is held by another process; try again when it is done") from error
            time.sleep(wait)


def _usual_memory() -> str:
    """This process's share of DuckDB's own limit."""
    amount, unit = _own_limit().split()
    return f"{float(amount) / _shares:.3f} {unit}"


@cache
def _own_limit() -> str:
    """DuckDB's own limit, by name: after `reset` it says that it has it, and goes on with the other."""
    with duckdb.connect() as con:
        limit: str = con.execute("select current_setting('memory_limit')").fetchall()[0][0]
        return limit


def _take(path: Path) -> duckdb.DuckDBPyConnection:
    with _guard:
        kept = _idle.pop(path, None)
        other = None if kept or not _idle else _idle.pop(next(iter(_idle)))
    if kept is not None:
        return kept
    if other is not None:
        try:
            other.execute(_spill_beside(path))
            return other
        except duckdb.Error:  # it has spilled, and stays with its folder
            other.close()
    instance = duckdb.connect()
    prepare(instance, path)
    return instance


def _give_back(path: Path, instance: duckdb.DuckDBPyConnection) -> None:
    with _guard:
        spare = [_idle.pop(path, None)]
        _idle[path] = instance
        while len(_idle) > _KEPT:
            spare.append(_idle.pop(next(iter(_idle))))
    for one in spare:
        if one is not None:
            one.close()


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
