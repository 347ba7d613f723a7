"""The landing zone of the demo: the sample shop's story up to yesterday, made whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from operations import sample_shop
from settings import Settings, UsageError, now

MARKER = ".sample.json"


def prepare(
    settings: Settings, days: int | None, events: int, progress: Callable[[int], None] = lambda _: None
) -> bool:
    """Make the sample landing zone where there is none; one made before is used again as it is.

    Args:
        days: how many it has, up to yesterday; by default two full months and the running one.
        events: how many records of visits and orders, over all regions.
        progress: called with the number of records written so far.

    Returns:
        Whether it was made now.

    Raises:
        UsageError: something else stands there, or it cannot be written.
    """
    if "://" in settings.landing:
        raise UsageError(f"landing {settings.landing}: the sample is written to a folder; give one with --landing DIR")
    root = Path(settings.landing)
    if (root / MARKER).is_file():
        return False
    if root.exists() and any(root.iterdir()):
        raise UsageError(f"{root} holds a landing zone that is not the demo's; give another with --landing DIR")
    fresh = root.with_name(f".{root.name}.making")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        until = now().date() - timedelta(days=1)
        story = sample_shop.Story(until)
        days = days or story.days
        summary = sample_shop.write_landing(fresh, until=until, days=days, events=events, plot=story, progress=progress)
        (fresh / MARKER).write_text(json.dumps({"until": str(until), "days": days, "records": summary.records}))
        if root.exists():
            root.rmdir()
        os.replace(fresh, root)
    except OSError as error:
        raise UsageError(f"cannot write the sample landing zone {root}: {error.strerror}") from error
    return True
