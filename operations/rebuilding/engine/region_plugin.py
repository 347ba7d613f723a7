"""dbt-duckdb's plugin that attaches the region's file: no key stands in a profile, a log or compiled SQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from privacy import storage
from settings import Settings

REGION_FILE = "ROMI_REGION_FILE"  # the file, in a warehouse's `regions`


class Plugin(BasePlugin):
    """Named in ``dbt_project/profiles.yml``; dbt calls it when it opens its database, which is in memory."""

    def configure_connection(self, conn: Any) -> None:
        path = Path(os.environ[REGION_FILE])
        storage.prepare(conn, path)
        storage.attach(conn, path, Settings(warehouse=path.parent.parent), path.stem)
