"""What a load does by itself about days that are withheld, where `incidents.automatic` or `features` ask for it.

``replay`` reads the region's dead letters again, and ``rebuild`` has the withheld days judged anew. Each is done once
for a state of affairs: the days that are withheld, each with its reason, the configuration, and the release. While none
of these changes, neither would end otherwise. What was done stands in the incident's timeline.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version

import duckdb

from ingestion.books import meta, put_meta, region_file, transaction
from ingestion.dead_letters import Which
from ingestion.replay import replay
from operations.incidents import book
from operations.incidents.findings import Kind
from operations.incidents.incident import Incident
from operations.rebuilding import plan
from settings import Settings
from settings.incidents import Response

_WITHHELD = "select day, withheld_reason from ops.days where withheld_reason is not null order by day"
# What of the configuration says where things are and who is told, and nothing of what is read or allowed.
_BESIDE = {"landing", "warehouse", "incidents", "monitoring", "publish", "backup"}


def replay_letters(settings: Settings, region: str) -> int:
    """Load the dead letters of a region that can be loaded by now, if days of it are withheld.

    Returns:
        How many records could be loaded; what they change stands in ``ops.changes``.

    Raises:
        UsageError, TransientError: as :func:`ingestion.replay.replay`.
    """
    if settings.feature("replay", region) == "off":
        return 0
    with region_file(settings, region, read_only=True) as con:
        incident, digest = _due(con, settings, region, "replay")
        letters = con.execute("select count(*) from ops.dead_letters").fetchall()[0][0]
    if incident is None or not letters:
        return 0
    if settings.feature("replay", region) == "shadow":
        _tell(settings, incident, "replay", region, f"would read {letters:,} dead letters again")
        loaded = 0
    else:
        done = replay(settings, region, Which())
        loaded = sum(done.fates.values())
        _tell(settings, incident, "replay", region, f"read {done.records:,} dead letters again, {loaded:,} are settled")
    with region_file(settings, region) as con:
        put_meta(con, _key("replay"), digest)
    return loaded


def rebuild_withheld(con: duckdb.DuckDBPyConnection, settings: Settings, region: str) -> int:
    """Make withheld days pending, so that the rebuild that comes next judges them anew.

    Returns:
        How many days.
    """
    incident, digest = _due(con, settings, region, "rebuild")
    if incident is None:
        return 0
    is_shadow = settings.feature("rebuild", region) == "shadow"
    with transaction(con):
        days = 0 if is_shadow else plan.judge_anew(con)
        put_meta(con, _key("rebuild"), digest)
    withheld = len(con.execute(_WITHHELD).fetchall())
    done = f"would rebuild {withheld:,} withheld days" if is_shadow else f"rebuilds {withheld:,} withheld days"
    _tell(settings, incident, "rebuild", region, done)
    return days


def _due(
    con: duckdb.DuckDBPyConnection, settings: Settings, region: str, response: Response
) -> tuple[Incident | None, str]:  # fmt: skip
    """The live incident of withheld days that the response is to answer, or None; and the digest of the affairs."""
    if settings.feature(response, region) == "off" or not (withheld := con.execute(_WITHHELD).fetchall()):
        return None, ""
    told = f"{withheld}\n{settings.model_dump_json(exclude=_BESIDE)}\n{_release()}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    if meta(con, _key(response)) == digest:
        return None, digest
    here = (
        one for one in book.live(settings)
        if any(found.kind == Kind.WITHHELD and found.region == region for found in one.standing)
    )  # fmt: skip
    return next(here, None), digest


def _tell(settings: Settings, incident: Incident, response: Response, region: str, done: str) -> None:
    with book.writing(settings):
        line = book.line_of(incident.number, "responded", response=response, region=region, note=f"{region}: {done}")
        book.enter(settings, [line])


def _key(response: Response) -> str:
    return f"responded_{response}"


def _release() -> str:
    try:
        return version("romi-warehouse")
    except PackageNotFoundError:
        return ""
