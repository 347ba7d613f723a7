"""What each file gave: its state, the fates of its rows, and why some were refused."""

from __future__ import annotations

from typing import Any

import duckdb

from ingestion.books import region_file
from ingestion.sources.tabular.read import expected_of
from settings import Settings, UnknownValueError, UsageError

_FILES = """
    select name, kind, state, problem, archives.records, loaded_at,
        coalesce(sum(fates.records) filter (fate in ('loaded', 'anonymised')), 0)::bigint as loaded,
        coalesce(sum(fates.records) filter (fate = 'dead_letter'), 0)::bigint as refused,
        name in (select name from ops.vanished_files) as is_gone
    from (
        from ops.archives qualify row_number() over (partition by name order by archive_id desc) = 1
    ) as archives
    left join ops.fates using (archive_id)"""
_MOST_ROWS = 100  # refused ones that are shown


def list_files(settings: Settings, region: str | None, kind: str | None) -> list[dict[str, Any]]:
    """Every file that was ever read, as its last delivery left it; `is_gone` of tables whose file has disappeared.

    Raises:
        UnknownValueError: there is no such region.
    """
    found: list[dict[str, Any]] = []
    for name in _regions(settings, region):
        with region_file(settings, name, read_only=True) as con:
            where = "where kind = ?" if kind else "where true"
            rows = con.execute(f"{_FILES} {where} group by all order by kind, name", [kind] if kind else [])
            found += [{"region": name, **one} for one in _dicts(rows)]
    return found


def show_file(settings: Settings, region: str | None, name: str) -> dict[str, Any]:
    """One file: every delivery of it, and of the last one its fates, refused rows and notes.

    Raises:
        UsageError: no region has read a file of that name, or several have.
    """
    home = region_of(settings, region, name)
    with region_file(settings, home, read_only=True) as con:
        deliveries = _dicts(con.execute(
            "select archive_id, kind, state, problem, records, size_bytes, sha256, loaded_at from ops.archives"
            " where name = ? order by archive_id desc", [name],
        ))  # fmt: skip
        last = deliveries[0]["archive_id"]
        fates = con.execute("select fate, reason, records from ops.fates where archive_id = ? order by all", [last])
        is_gone = con.execute("select count(*) > 0 from ops.vanished_files where name = ?", [name]).fetchall()[0][0]
        shown = {"region": home, "name": name, "is_gone": is_gone, "fates": _dicts(fates)}
        refused = con.execute(
            "select line, reason, column_name as \"column\" from ops.refused_rows where archive_id = ? order by line"
            f" limit {_MOST_ROWS}", [last],
        )  # fmt: skip
        shown["refused"] = [{**one, "expected": expected_of(one["reason"], name)} for one in _dicts(refused)]
        notes = con.execute('select field as "column", note, records from ops.notes where archive_id = ?', [last])
        return {**shown, "notes": _dicts(notes), "deliveries": deliveries}


def region_of(settings: Settings, region: str | None, name: str) -> str:
    """The one region whose books have a file of that name.

    Raises:
        UsageError: none has, or several have.
        UnknownValueError: there is no such region.
    """
    homes = []
    for one in _regions(settings, region):
        with region_file(settings, one, read_only=True) as con:
            if con.execute("select count(*) from ops.archives where name = ?", [name]).fetchall() != [(0,)]:
                homes.append(one)
    if not homes:
        raise UsageError(f"no file {name} was read; `romi files list` has the names")
    if len(homes) > 1:
        raise UsageError(f"{name} was read in {', '.join(homes)}: say which with --region")
    return homes[0]


def _regions(settings: Settings, region: str | None) -> list[str]:
    known = [one for one in settings.known_regions() if settings.region_file(one).exists()]
    if region is None:
        return known
    if region not in known:
        raise UnknownValueError("region", region, known)
    return [region]


def _dicts(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
