"""dbt-duckdb's plugin that attaches the region's file: no key stands in a profile, a log or compiled SQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from ingestion.books import region_file
from privacy import storage
from settings import Settings

REGION_FILE = "ROMI_REGION_FILE"  # the file, in a warehouse's `regions`
_ALONE = "eu"  # as dbt_project.yml calls the region by default


class Plugin(BasePlugin):
    """Named in ``dbt_project/profiles.yml``; dbt calls it when it opens its database, which is in memory."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """`folder`, where dbt is run by hand: a file of its own is kept there, and no region's is touched."""
        self._folder: str | None = plugin_config.get("folder")

    def configure_connection(self, conn: Any) -> None:
        if self._folder is None:
            path = Path(os.environ[REGION_FILE])
            settings = Settings(warehouse=path.parent.parent)
        else:
            settings = Settings(warehouse=Path(self._folder).absolute(), privacy={"encryption_at_rest": False})
            path = settings.region_file(_ALONE)
            with region_file(settings, _ALONE):  # made with its tables where it is not there
                pass
        storage.prepare(conn, path)
        storage.attach(conn, path, settings, path.stem)
