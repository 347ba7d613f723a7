"""Secret keys, one for each region and purpose: from the environment, or a file that only its owner can read.

A key never stands in the warehouse, its backups or the configuration. ``ROMI_KEY_<REGION>_<PURPOSE>`` (64
hexadecimal digits, ``-`` in a region's name written ``_``) wins; else the file named by ``ROMI_KEY_FILE``, by
default ``<warehouse>.keys`` beside the warehouse, which is made with fresh keys where there is none.

A pseudonym key that was rotated is a list, first key first, separated by commas: each is applied to what the one before
it made, so none of them may be lost, and none of a person's data is needed to add one.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from settings import UsageError, is_region_name
from settings.durable import write_durably

Purpose = Literal["pseudonym", "seal", "suppression", "storage", "certificate"]
_BYTES = 32


@dataclass(frozen=True)
class Key:
    """32 random bytes, and as many for each rotation; `repr` does not show them."""

    region: str
    purpose: Purpose
    secret: bytes
    rotations: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Key({self.region}, {self.purpose}, fingerprint {self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """Names the key without giving it away: 16 hexadecimal digits, kept in the region's books."""
        return hashlib.sha256(b"romi-fingerprint\x00" + self.secret + b"".join(self.rotations)).hexdigest()[:16]

    @property
    def first(self) -> Key:
        """The key as it was before any rotation."""
        return Key(self.region, self.purpose, self.secret)

    def after(self, fingerprint: str) -> tuple[bytes, ...] | None:
        """The rotations that are still to be applied to what was made under the key as it was at this fingerprint.

        None where the key never had it.
        """
        for count in range(len(self.rotations), -1, -1):
            if Key(self.region, self.purpose, self.secret, self.rotations[:count]).fingerprint == fingerprint:
                return self.rotations[count:]
        return None


def key_file(warehouse: Path) -> Path:
    """Where the keys of `warehouse` stand when the environment gives none."""
    named = os.environ.get("ROMI_KEY_FILE")
    resolved = warehouse.absolute()
    path = Path(named).absolute() if named else resolved.with_name(resolved.name + ".keys")
    if resolved in path.parents:
        raise UsageError(f"ROMI_KEY_FILE={named}: keys never stand in the warehouse, nor in its backups")
    return path


@contextmanager
def keys_from(path: Path) -> Iterator[None]:
    """Have the keys of this file used for every warehouse, as for one that stands beside its place for a while."""
    given = os.environ.get("ROMI_KEY_FILE")
    os.environ["ROMI_KEY_FILE"] = str(path)
    try:
        yield
    finally:
        if given is None:
            del os.environ["ROMI_KEY_FILE"]
        else:
            os.environ["ROMI_KEY_FILE"] = given


def region_key(warehouse: Path, region: str, purpose: Purpose, *, make: bool = True) -> Key:
    """The key of a region for a purpose; made and stored where there is none yet, unless `make` is false.

    Raises:
        UsageError: a key is no 64 hexadecimal digits, others than its owner can read the file, or there is none.
    """
    variable = _variable(region, purpose)
    given = os.environ.get(variable)
    if given:
        return _key(region, purpose, given, variable)
    path = key_file(warehouse)
    try:
        with _locked(path):
            keys = _read(path)
            text = keys.setdefault(region, {}).get(purpose)
            if text is None and not make:
                raise UsageError(f"no {purpose} key of region {region} at {path}; set ROMI_KEY_FILE or {variable}")
            if text is None:
                text = keys[region][purpose] = secrets.token_hex(_BYTES)
                _write(path, keys)
    except OSError as error:
        raise UsageError(f"cannot keep keys at {path}: {error.strerror}; set ROMI_KEY_FILE or {variable}") from error
    return _key(region, purpose, text, str(path))


def add_rotation(warehouse: Path, region: str) -> Key:
    """Add a fresh key to the region's pseudonym key; what was made under it so far is then to be brought forward.

    Raises:
        UsageError: the key comes from the environment, which cannot be written from here.
    """
    variable = _variable(region, "pseudonym")
    if os.environ.get(variable):
        raise UsageError(
            f"the pseudonym key of region {region} comes from {variable}: add a comma and 64 new hexadecimal digits"
            " there; the next run, or this command again, applies it"
        )
    path = key_file(warehouse)
    with _locked(path):
        keys = _read(path)
        text = f"{keys[region]['pseudonym']},{secrets.token_hex(_BYTES)}"
        keys[region]["pseudonym"] = text
        _write(path, keys)
    return _key(region, "pseudonym", text, str(path))


def is_in_environment(region: str, purpose: Purpose) -> bool:
    """Whether a variable gives the key, so that the keys file need not hold it."""
    return bool(os.environ.get(_variable(region, purpose)))


def note(warehouse: Path, region: str, name: str) -> str | None:
    """What stands beside a region's keys under a name that is no purpose; it is no secret."""
    path = key_file(warehouse)
    try:
        return _read(path).get(region, {}).get(name)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def regions_of_keys(warehouse: Path) -> list[str]:
    """The regions of which the keys file holds something.

    Raises:
        UsageError: it cannot be read.
    """
    path = key_file(warehouse)
    try:
        return sorted(filter(is_region_name, _read(path)))  # the warehouse has a key of its own, too
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def put_note(warehouse: Path, region: str, name: str, text: str) -> None:
    """Write a note beside a region's keys.

    Raises:
        UsageError: the keys file cannot be written.
    """
    path = key_file(warehouse)
    try:
        with _locked(path):
            keys = _read(path)
            keys.setdefault(region, {})[name] = text
            _write(path, keys)
    except OSError as error:
        raise UsageError(f"cannot keep notes at {path}: {error.strerror}; set ROMI_KEY_FILE") from error


def _variable(region: str, purpose: Purpose) -> str:
    return f"ROMI_KEY_{region}_{purpose}".upper().replace("-", "_")


def _key(region: str, purpose: Purpose, text: str, place: str) -> Key:
    parts = str(text).split(",") if purpose == "pseudonym" else [text]
    first, *rotations = (_decode(one, place) for one in parts)
    return Key(region, purpose, first, tuple(rotations))


def _decode(text: str, place: str) -> bytes:
    try:
        secret = bytes.fromhex(text)
    except (ValueError, TypeError):
        secret = b""
    if len(secret) != _BYTES:
        raise UsageError(f"{place}: a key is {2 * _BYTES} hexadecimal digits")
    return secret


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two processes that start at once must not each make a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock"), mode=0o600):
        yield


def _read(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    if path.stat().st_mode & 0o077:
        raise UsageError(f"{path} can be read by users other than its owner: chmod 600 {path}")
    try:
        keys = json.loads(path.read_text())
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not all(isinstance(of_region, dict) for of_region in keys.values()):
        raise UsageError(f"{path} is no JSON file of keys")
    return keys


def _write(path: Path, keys: dict[str, dict[str, str]]) -> None:
    write_durably(path, json.dumps(keys, indent=1))
