"""Where a user keeps what can be made anew at any time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """This user's own folder, or none where there is no place for one; ``ROMI_CACHE`` names another."""
    said = os.environ.get("ROMI_CACHE")
    if said:
        return Path(said)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "romi"
    except RuntimeError:  # a user without a home
        return None
