"""dbt run in this process on a region's file; a build that was made before is replayed, as the engine does it.

dbt-duckdb keeps its last file open for as long as the process lives, because the database itself is in memory
(`path: ":memory:"` implies `keep_open`). `release` closes that environment and takes it out of dbt-duckdb's class
attribute, so that the file's lock is free and the next run opens its own file.
"""

import gc
import json
import os
from copy import copy
from functools import cache

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from operations.rebuilding.engine import kept_builds, project
from operations.rebuilding.engine.built import Hearing
from operations.rebuilding.engine.lean_dbt import lean
from operations.rebuilding.engine.recording import recording
from operations.rebuilding.engine.region_plugin import REGION_FILE
from operations.rebuilding.engine.replaying import replay


def release():
    """Close the region's file that dbt-duckdb still holds."""
    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


# What tests of credit read; where several say the same, they replay one build.
OF_CREDIT = (
    "romi_daily", "romi_monthly", "romi_by_touch_date", "romi_by_segment", "orders_daily", "spend_daily",
    "channel_weights",
)  # fmt: skip


@cache
def _tests():
    return {name for name, node in project.manifest()["nodes"].items() if node["resource_type"] == "test"}


class Dbt:
    """dbt with its project; the builds that were made before are replayed."""

    models = ()

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, command, region, from_date, to_date, *arguments, **variables):
        """Run a command for a window of days; fails where anything in it does.

        Returns:
            dbt's result; None of a build, whose results may be those of a build before.
        """
        os.environ[REGION_FILE] = str(region.path)
        window = {"from_date": str(from_date), "to_date": str(to_date), "k_anonymity": 1, **variables}
        told = [command, *arguments, "--vars", json.dumps(window)]
        if command not in ("build", "run"):
            return self._invoke(told)
        with region.open() as con:
            name = kept_builds.name_of(con, window, [command, *arguments])
        if known := kept_builds.find(name):
            hearing = Hearing(_tests(), lambda _: None)
            replay(known, hearing, kept_builds.printed_of(window))
            assert not hearing.built.failed_tests
            return None
        with recording() as made:
            hearing = Hearing(set(), made.noting(lambda _: None))
            self._invoke(told, hearing)
        made.printed = kept_builds.printed_of(window)
        kept_builds.keep(name, made)
        return None

    def _invoke(self, told, hearing=None):
        # A run marks the manifest's nodes as compiled, and a second run would then leave out the ephemeral models'
        # CTEs: each gets a copy of the parsed manifest.
        manifest = project.parsed()
        gc.freeze()  # dbt's objects live as long as the build
        try:
            with lean():
                hears = [hearing.hear] if hearing else []
                result = dbtRunner(manifest=manifest, callbacks=hears).invoke([*told, *project.places(self.folder)])
        finally:
            gc.unfreeze()
            release()
        assert result.success, (
            result.exception,
            [(r.node.name, r.message) for r in result.result if r.status != "pass"],
        )
        return result

    def build(self, region, from_date, to_date, *arguments, **variables):
        """Build the models, or those that a test reads with what they need, and test them."""
        chosen = ()
        if self.models and "--select" not in arguments:
            # Of the tests those alone that read nothing else.
            chosen = ("--indirect-selection", "cautious", "--select", *(f"+{name}" for name in self.models))
        without_units = ("--exclude-resource-type", "unit_test", *chosen, *arguments)
        return self("build", region, from_date, to_date, *without_units, **variables)

    def of(self, models):
        """This dbt, which builds no more than these models need."""
        narrowed = copy(self)
        narrowed.models = models
        return narrowed
