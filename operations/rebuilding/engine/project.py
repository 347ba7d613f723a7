"""The dbt project, parsed once for each state of its files: what is parsed is kept outside the source tree.

dbt's partial parse is not to be trusted with an edit: after one of a macro it loses the patches of tests, and with them
two checks of the graph, without a word. So what is parsed is kept by a digest of all that it follows from, and another
digest means a parse from nothing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from operations.rebuilding.engine.errors import ProjectError, cause_of
from settings.cache import cache_folder
from settings.durable import write_durably

ROOT = Path(__file__).resolve().parents[3]  # of a checkout, or where packages are installed
DBT_PROJECT = ROOT / "dbt_project"
_LAYOUT = "1"  # of a kept folder; another one leaves the old unread
_KEPT = 6
_PARSED = "partial_parse.msgpack"  # dbt's own name, under which it looks for it
DUCKDB, SPARK = "region", "spark"  # targets in dbt_project/profiles.yml
_in_memory: dict[str, bytes] = {}


def digest_of_files() -> str:
    """Names the state of the project's files, whatever dbt left among them."""
    found = hashlib.sha256()
    for path in sorted(DBT_PROJECT.rglob("*")):
        place = path.relative_to(DBT_PROJECT)
        if path.is_file() and place.parts[0] not in ("target", "logs", "dbt_packages") and path.suffix != ".pyc":
            text = path.read_bytes()
            found.update(f"{place.as_posix()}\0{len(text)}\0".encode() + text)
    return found.hexdigest()[:16]


def manifest() -> dict[str, Any]:
    """The project as the dictionary that ``manifest.json`` holds.

    Where it is kept for the state of the files, dbt isn't even imported.

    Raises:
        ProjectError: dbt cannot parse the project.
    """
    found: dict[str, Any] = json.loads(kept("manifest.json", lambda: _parse()["manifest.json"]))
    return found


def parsed(engine: str = DUCKDB) -> Any:
    """The project as dbt's ``Manifest`` for an engine, for one build: a build leaves its marks on it.

    Raises:
        ProjectError: dbt cannot parse the project.
    """
    key = f"{_key()} {engine}"
    from dbt.contracts.graph.manifest import Manifest

    if key not in _in_memory:
        name = _name_of(engine)
        _remember(key, kept(name, lambda: _parse(engine)[name]))
    # Of the same files, read by the same dbt, it is the parse itself: nothing has to be parsed again.
    return Manifest.from_msgpack(_in_memory[key])


def places(target: Path, engine: str = DUCKDB) -> list[str]:
    """The arguments that say where the project is, and that nothing is written but to `target`."""
    return [
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target", engine,
        "--target-path", str(target.absolute()),
        "--log-path", str(target.absolute()), "--log-level", "none", "--log-level-file", "none", "--quiet",
        "--no-write-json", "--no-send-anonymous-usage-stats",
    ]  # fmt: skip


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """What is kept under a name for the state of the project, or what `make` gives, which is kept from then on."""
    found = find(name)
    if found is None:
        found = make()
        keep(name, found)
    return found


def find(name: str) -> bytes | None:
    """What is kept under a name for the state of the project."""
    with suppress(OSError):
        if path := _path_of(name):
            found = path.read_bytes()
            path.touch()  # what is asked for is forgotten last
            return found
    return None


def keep(name: str, content: bytes, at_most: int | None = None) -> None:
    """Keep something under a name for the state of the project, where there is a place for it.

    Args:
        at_most: how many are kept whose names begin like this one, up to the first hyphen.
    """
    if path := _path_of(name):
        with suppress(OSError):  # a full disk costs the next process its time, and no more
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_durably(path, content)
            _forget_all_but(path.parents[1].iterdir(), _KEPT)
            if at_most:
                _forget_all_but(path.parent.glob(f"{name.partition('-')[0]}-*"), at_most)


def _path_of(name: str) -> Path | None:
    folder = cache_folder()
    return folder and folder / _key() / name


def _parse(engine: str = DUCKDB) -> dict[str, bytes]:
    """A parse from nothing, as the files that are kept of it; the graph is the same on every engine."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as target:
        found = _invoke_parse(Path(target), engine)
        made = {_name_of(engine): (Path(target) / _PARSED).read_bytes()}
        _remember(f"{_key()} {engine}", made[_name_of(engine)])
        if engine == DUCKDB:
            writable = json.dumps(found.writable_manifest().to_dict(omit_none=False))
            made["manifest.json"] = writable.encode()
    for name, content in made.items():
        keep(name, content)
    return made


def _name_of(engine: str) -> str:
    return _PARSED if engine == DUCKDB else f"{engine}_{_PARSED}"


def _remember(key: str, found: bytes) -> None:
    for other in [one for one in _in_memory if one.split()[0] != key.split()[0]]:
        del _in_memory[other]  # of another state of the files
    _in_memory[key] = found


def _invoke_parse(target: Path, engine: str) -> Any:
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(["parse", *places(target, engine)])
    if not result.success:
        raise ProjectError(DBT_PROJECT, cause_of(str(result.exception), DBT_PROJECT))
    return result.result


def _key() -> str:
    """Names what a parse follows from: the files, where they lie, and who reads them."""
    told = (_LAYOUT, str(DBT_PROJECT), digest_of_files(), *_versions())
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:32]


@cache
def _versions() -> tuple[str, ...]:
    return tuple(version(package) for package in ("dbt-core", "dbt-duckdb", "dbt-adapters", "dbt-common"))


def _forget_all_but(paths: Iterable[Path], count: int) -> None:
    """Remove all but the newest files or folders."""
    for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)[count:]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
