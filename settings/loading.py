"""Read ``romi.yaml``; what is wrong in it is told in one line."""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from settings.config import Settings
from settings.errors import UsageError


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Read ``romi.yaml`` and lay `overrides` (those that are not None) over it.

    Args:
        config: the file; without it ``./romi.yaml`` where that exists, else defaults.

    Raises:
        UsageError: the file is missing, no YAML, or has an unknown key or a wrong value.
    """
    path = config or Path("romi.yaml")
    if config is not None and not path.is_file():
        raise UsageError(f"no configuration file at {path}")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict | None):
        raise UsageError(f"{path} holds no mapping of keys")
    values = {**(values or {}), **{key: value for key, value in overrides.items() if value is not None}}
    try:
        return Settings(**values)
    except (ValidationError, TypeError) as error:
        raise UsageError(f"{path}: {_explain(error)}") from error


def _explain(error: ValidationError | TypeError) -> str:
    if not isinstance(error, ValidationError):
        return "keys must be words"
    errors = error.errors()
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {place!r}; known here: {', '.join(_known_keys(first['loc'][:-1]))}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the section at `loc`, as the models have them."""
    kind: Any = Settings
    for part in loc:
        # A list or a mapping has one kind of entry; its own type comes first or last.
        kind = _kind_of(kind, str(part)) if _is_section(kind) else next(filter(_is_section, get_args(kind)))
    return [field.alias or name for name, field in kind.model_fields.items()]


def _kind_of(section: type[BaseModel], key: str) -> Any:
    """What stands under a key of the section; of what may be null as well, the rest."""
    kind = next(field.annotation for name, field in section.model_fields.items() if key in (name, field.alias))
    return get_args(kind)[0] if isinstance(kind, UnionType) else kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
