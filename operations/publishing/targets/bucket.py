"""The published files in an object store: whole versions, and one object that says which of them is current.

A reader asks the pointer, ``published.json``, and opens what it names. The pointer is switched by a conditional write,
so that of two writers at once one loses and says so; a version's own objects are never written over by another's.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingestion.object_store import ABSENT, Prefix, code_of, errors_told, prefix_of, without_options
from operations.finance_tables.published_tables import CONTRACT_VERSION
from operations.store.versions import MANIFEST, current_version, version_dir, version_ids
from settings import RomiError, Settings, TransientError

POINTER = "published.json"
_FOLDER = re.compile(r"versions/\d{6,}-[0-9a-f]{12}/")
_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class Upload:
    """A version that was just uploaded."""

    version: int
    files: int
    bytes: int

    @property
    def facts(self) -> dict[str, int]:
        """The version, its files and their bytes, as an asset's metadata."""
        return asdict(self)


def upload(settings: Settings) -> Upload | None:
    """Bring the bucket to the version that the files show, and remove those that the warehouse has disposed of.

    The caller holds the warehouse.

    Returns:
        None where no bucket is configured, nothing is published, or it shows this version already, whole.

    Raises:
        UsageError: no credentials are found.
        TransientError: the store cannot be reached, or somebody else has switched the pointer meanwhile: it shows what
            it showed, and the next run uploads.
        PermanentError: it refuses what has to be done there.
    """
    current = current_version(settings)
    if settings.publish.bucket is None or current is None:
        return None
    where = f"publish.bucket {without_options(settings.publish.bucket)}"
    with errors_told(where, "the next `romi run` uploads again"):
        place = prefix_of(settings.publish.bucket)
        etag, shown = _pointer(place)
        folder = _folder(version_dir(settings, current))
        done = None
        if shown.get("folder") != folder or not _is_there(place, folder, shown["files"]):
            files = _put_files(place, version_dir(settings, current), folder)
            _switch(place, etag, {"version": current, "contract": CONTRACT_VERSION, "folder": folder, "files": files})
            done = Upload(current, len(files), sum(one["bytes"] for one in files.values()))
        _remove(place, _folders(place) - {_folder(version_dir(settings, number)) for number in version_ids(settings)})
    return done


def difference(settings: Settings) -> tuple[str | None, str | None]:
    """What the bucket does not show of the current version, if anything, and how to mend that."""
    current = current_version(settings)
    if settings.publish.bucket is None or current is None:
        return None, None
    where, mend = f"publish.bucket {without_options(settings.publish.bucket)}", "`romi run` uploads it again"
    try:
        with errors_told(where, "what it shows is not known"):
            place, folder = prefix_of(settings.publish.bucket), _folder(version_dir(settings, current))
            shown = _pointer(place)[1]
            if shown.get("folder") != folder:
                what = f"version {shown['version']}" if "version" in shown else "no version"
                return f"{where} shows {what}, and version {current} is published", mend
            if not _is_there(place, folder, shown["files"]):
                return f"{where} does not have all of version {current}, which it shows", mend
    except RomiError as error:
        return str(error), "look at the credentials, the network and the store; then again"
    return None, None


def _pointer(place: Prefix) -> tuple[str | None, dict[str, Any]]:
    """The pointer's ETag and what it says; None and nothing before the first upload, and nothing if it is damaged."""
    from botocore.exceptions import ClientError

    try:
        found = place.client.get_object(**place.key(POINTER))
    except ClientError as error:
        if code_of(error) in ABSENT:
            return None, {}
        raise
    try:
        said = json.loads(found["Body"].read())
    except ValueError:
        said = None
    is_whole = isinstance(said, dict) and isinstance(said.get("files"), dict)
    return found["ETag"], said if is_whole else {}


def _switch(place: Prefix, etag: str | None, said: dict[str, Any]) -> None:
    """Write the pointer, if it still is as it was read; what is read back then decides, not what was answered."""
    from botocore.exceptions import ClientError

    condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
    body = json.dumps(said, indent=1).encode()
    try:
        place.client.put_object(**place.key(POINTER), Body=body, ContentType="application/json", **condition)
    except ClientError as error:  # a write that is repeated after its answer was lost fails, though it is done
        if code_of(error) not in _LOST:
            raise
    if _pointer(place)[1] != said:
        raise TransientError(
            "publish.bucket: somebody else has switched what it shows at the same time; it shows theirs, and the next"
            " `romi run` uploads again"
        )


def _is_there(place: Prefix, folder: str, files: dict[str, dict[str, Any]]) -> bool:
    """Whether each object that the pointer names is there in its size; a rule of the bucket may have removed some."""
    there = {one.place: one.size for one in place.below(folder.rstrip("/")).walk()}
    return all(there.get(name) == file["bytes"] for name, file in files.items())


def _put_files(place: Prefix, version: Path, folder: str) -> dict[str, dict[str, Any]]:
    """Upload a version's files, each of which the store checks by its sum; their sizes and digests by name."""
    found = {}
    for path in sorted(one for one in version.rglob("*") if one.is_file()):
        name = path.relative_to(version).as_posix()
        found[name] = {"bytes": path.stat().st_size, "sha256": place.put_file(folder + name, path)}
    return found


def _folder(version: Path) -> str:
    """A version's folder there, which no other version has, of this warehouse or of one that was made anew."""
    return f"versions/{version.name}-{hashlib.sha256((version / MANIFEST).read_bytes()).hexdigest()[:12]}/"


def _folders(place: Prefix) -> set[str]:
    return {name for name in place.children("versions/")[1] if _FOLDER.fullmatch(name)}


def _remove(place: Prefix, folders: set[str]) -> None:
    """Delete versions that are kept no more; what is gone already is no matter."""
    for folder in sorted(folders):
        place.remove(folder)
