"""What a backup says of itself: ``backup.json``."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel, ValidationError, field_validator

from operations.error_messages import describe_error
from settings import UsageError
from settings.formats import check_format

MANIFEST = "backup.json"


class _File(BaseModel):
    bytes: int
    sha256: str


class _Manifest(BaseModel):
    warehouse_format: int
    made_at: datetime
    published: str | None
    recovery_point: dict[str, str | None]
    files: dict[str, _File]
    tables: dict[str, dict[str, tuple[str, str]]]

    @field_validator("files", "tables")
    @classmethod
    def _stay_inside(cls, named: dict[str, Any]) -> dict[str, Any]:
        for name in named:
            if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
                raise ValueError("a file outside of the backup")
        return named


def read_manifest(source: Path) -> dict[str, Any]:
    """What a backup says of itself.

    Raises:
        UsageError: there is no such file, or it is cut off, not what a backup writes, or of another format.
    """
    path = source / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{source} is no backup (no {MANIFEST})") from error
    except OSError as error:
        raise UsageError(f"the backup cannot be read: {describe_error(error)}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is cut off or no JSON, so the backup cannot be restored") from error
    if isinstance(manifest, dict) and "warehouse_format" in manifest:
        check_format(source, manifest["warehouse_format"], may_migrate=True)
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole of it"
        raise UsageError(f"{path} is not what a backup writes: {place}: {first['msg']}") from error
    return manifest
