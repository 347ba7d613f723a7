"""How a notice reaches somebody: through Apprise, or as a line of a file.

Addresses hold secrets, so they never stand in the configuration, the books or a message: only their names do.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from operations.error_messages import describe_error
from settings import Settings, now
from settings.durable import append_durably

_VARIABLE = "ROMI_NOTICE_"
FILE_VARIABLE = "ROMI_NOTICE_FILE"


def notices_file(settings: Settings) -> Path:
    """The file of addresses beside the warehouse, a line each: ``name = address``."""
    named = os.environ.get(FILE_VARIABLE)
    root = settings.warehouse.absolute()
    return Path(named).absolute() if named else root.with_name(f"{root.name}.notices")


def has_address(settings: Settings, name: str) -> bool:
    return not isinstance(_address(settings, name), _Problem)


def deliver(settings: Settings, name: str, title: str, body: str) -> str | None:
    """Send a notice to the address of that name.

    Returns:
        Why it could not be delivered, in words that give no secret away; None where it was.
    """
    address = _address(settings, name)
    if isinstance(address, _Problem):
        return str(address)
    try:
        if address.startswith("file://"):
            line = {"at": now().isoformat(), "to": name, "title": title, "body": body}
            append_durably(Path(address.removeprefix("file://")), json.dumps(line, sort_keys=True))
            return None
        return _through_apprise(name, address, title, body)
    except OSError as error:
        return f"the address {name} cannot be written: {describe_error(error)}"
    except Exception as error:  # whatever a notifier does, it must not end a run; its text may quote the address
        return f"the address {name} failed with {type(error).__name__}"


class _Problem(str):
    """Why there is no address to send to."""


def _through_apprise(name: str, address: str, title: str, body: str) -> str | None:
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it logs addresses with their secrets
    sender = apprise.Apprise()
    if not sender.add(address):
        return f"the address {name} is not one that Apprise knows"
    if not sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
        return f"the address {name} did not take it"
    return None


def _address(settings: Settings, name: str) -> str | _Problem:
    variable = f"{_VARIABLE}{name.upper()}"
    if found := os.environ.get(variable, "").strip():
        return found
    path = notices_file(settings)
    lacking = _Problem(f"there is no address {name}: set {variable}, or write `{name} = …` into {path}")
    try:
        if path.stat().st_mode & 0o077:
            return _Problem(f"{path} can be read by users other than its owner: chmod 600")
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return lacking
    except (OSError, UnicodeDecodeError):
        return _Problem(f"{path} cannot be read")
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}.get(name) or lacking
