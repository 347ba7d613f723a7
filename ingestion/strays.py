"""What lies in a landing zone and nobody reads: files of no known kind, what was begun and forgotten, and links."""

from __future__ import annotations

import re
from datetime import timedelta
from operator import itemgetter
from pathlib import PurePath

from ingestion.landing import KINDS, Place, is_there, layout_of, listed, listings, rates, text_of
from ingestion.zone import File, zone
from settings import Settings, now

# Who writes a file under such a name, or in such a folder, renames it when it is whole. Names from "." and "_" are also
# those of editors and file systems.
_HALF_WRITTEN = re.compile(r"[^/]\.(?:tmp|part)(?:/|\Z)")
_FORGOTTEN_AFTER = timedelta(days=1)


def strays(settings: Settings, region: str) -> list[str]:
    """The files of a region that no reader takes: of an unknown kind, name or layout, begun and forgotten, or in a
    folder nothing reads."""
    landing = zone(settings.landing, listings(settings))
    there: list[Place] = []
    forgotten: list[str] = []
    for kind in KINDS:
        for name, file in sorted(landing.files(f"{region}/{kind}"), key=itemgetter(0)):
            if is_there(place := f"{kind}/{name}"):
                there.append((kind, place, file))
            elif _is_forgotten(place, file):
                forgotten.append(text_of(place))
    elsewhere = [place for place, _ in zone(settings.landing).files(region, without=KINDS)]
    unread = [one for one in listed(settings, there) if isinstance(one, str)]
    return [*unread, *forgotten, *sorted(text_of(place) for place in elsewhere if is_there(place))]


def strays_at_top(settings: Settings) -> list[str]:
    """The files in ``fx/``, and those beside the regions' folders, that no reader takes."""
    landing = zone(settings.landing)
    _, others = rates(landing)
    top = sorted(landing.files("", without=tuple(landing.folders())), key=itemgetter(0))
    found = [*top, *((f"fx/{place}", file) for place, file in others)]
    return [text_of(place) for place, file in found if is_there(place) or _is_forgotten(place, file)]


def _is_forgotten(place: str, file: File) -> bool:
    """Whether nobody goes on with what somebody began to write."""
    if _HALF_WRITTEN.search(place) is None:
        return False
    return file.stat().st_mtime_ns < (now() - _FORGOTTEN_AFTER).timestamp() * 1e9


def why_stray(name: str) -> str:
    """Why no reader takes a file of that place in a region's folder, and what to change."""
    place = PurePath(name)
    if _HALF_WRITTEN.search(name):
        return "it is called as what is still being written, and nobody wrote to it for a day: finish it, or remove it"
    if len(place.parts) == 1:
        return "a file belongs in a region's folder: <region>/events, <region>/spend/<platform> or <region>/ledger"
    kinds = "csv, tsv, txt, json, jsonl (each also as gz or zst), parquet, xlsx"
    if place.parts[0] not in KINDS and place.parts[0] != "fx":
        return "nothing reads that folder; a region's folders are events, spend and ledger"
    if place.parts[0] == "spend" and len(place.parts) == 2:
        return "cost lies in a folder for its platform: move it to spend/<platform>/"
    if place.parts[0] == "fx":
        return "rates are read from fx/eurofxref-hist.csv alone, the ECB's file as it is published"
    if place.parts[0] == "events":
        if seen := layout_of(name):
            lines = "topics: {{{}: {{layout: {}}}}}".format(*seen)
            return f"it lies as {seen[1]} lays archives out: say so in romi.yaml, `{lines}`"
        return "its name is not that of an archive of its topic's layout and format (`topics:` in romi.yaml)"
    return f"its kind is not one that is read: {kinds}; unpack it, or export it as one of them"


def not_files(settings: Settings, region: str | None = None) -> dict[str, bool]:
    """What of a region, or of the top and fx/, is neither file nor folder, so that nobody reads it; and whether it is a
    link that leaves the landing zone."""
    landing = zone(settings.landing)
    folders = ["fx"] if region is None else [f"{region}/{kind}" for kind in KINDS]
    found = {f"{folder}/{place}".rstrip("/"): is_link for folder in folders
             for place, is_link in landing.not_files(folder)}  # fmt: skip
    top = dict(landing.not_files()) if region is None else {}
    return {text_of(name): is_link for name, is_link in sorted((top | found).items()) if is_there(name)}
