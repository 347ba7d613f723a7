"""A Spark session for one build: what makes it count as DuckDB does, and what protects what it writes meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from settings import Settings, TransientError, UsageError
from settings.engine import SPARK_VARIABLE

# Arithmetic that overflows is an error, moments have no time zone, a backslash in a literal is one, and dates of the
# first years are what they say.
_DIALECT = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.sources.default": "parquet",
}
_PRIVATE = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    "spark.io.encryption.enabled": "true",  # shuffles and what is spilled
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.master.rest.enabled": "false",
    "spark.log.level": "ERROR",
}
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
PROTECTED_BY = (
    "a build's copies are files in the warehouse's staging folder that only their owner reads, in the clear until the"
    " build ends and removes them; shuffles and spills are encrypted, connections authenticated and encrypted"
)


def described(settings: Settings) -> tuple[str, str | None, str | None]:
    """What builds the models and what protects it; where something is missing, what, and how to mend that."""
    if settings.engine == "duckdb":
        return "DuckDB, in the run's own process and the region's own file", None, None
    try:
        check_installed(settings)
    except UsageError as error:
        return settings.spark.master, str(error), "install what it names, or set `engine: duckdb`"
    packages = f"Spark {version('pyspark')} by dbt-spark {version('dbt-spark')}"
    return f"{packages} at {settings.spark.master}; {PROTECTED_BY}", None, None


def check_installed(settings: Settings) -> None:
    """Raise a UsageError where something that `engine: spark` needs is missing."""
    missing = []
    for module, package in (("pyspark", "pyspark"), ("dbt.adapters.spark", "dbt-spark")):
        try:
            __import__(module)
        except ImportError:
            missing.append(package)
    if missing:
        raise UsageError(
            f"engine: spark needs {' and '.join(missing)}: install the extra, pip install 'romi-warehouse[spark]'"
        )
    if not shutil.which("java"):
        raise UsageError("engine: spark needs Java 17 or later: no `java` was found on PATH")
    if not settings.spark.is_local and not settings.spark.secret():
        raise UsageError(f"spark.master: a cluster is asked for by a secret that it knows: set {SPARK_VARIABLE}")


def options(settings: Settings, folder: Path) -> dict[str, str]:
    """All that a session is begun with; `folder` is where it writes, and every worker has to see it."""
    spark = settings.spark
    own = {
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.driver.memory": spark.memory,
        "spark.executor.memory": spark.memory,
        "spark.sql.shuffle.partitions": str(spark.shuffle_partitions),
        "spark.local.dir": str(folder / "local"),
    }
    if secret := spark.secret():
        own["spark.authenticate.secret"] = secret
    where = _LOOPBACK if spark.is_on_this_machine else {}
    return {**where, **spark.settings, **own, **_DIALECT, **_PRIVATE}


@contextmanager
def session(settings: Settings, region: str, folder: Path) -> Iterator[Any]:
    """A ``SparkSession`` that lives as long as a build, in which dbt-spark runs its statements.

    Raises:
        UsageError: pyspark, dbt-spark or Java is missing.
        TransientError: the cluster cannot be reached, or knows another secret.
    """
    check_installed(settings)
    from pyspark.sql import SparkSession

    if SparkSession.getActiveSession() is not None:
        raise UsageError("engine: spark: this process has a Spark session already")
    builder = SparkSession.builder.appName(f"romi {region}").master(settings.spark.master)
    for name, value in options(settings, folder).items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:  # Java's, of many classes, with its traces
        if settings.spark.is_local:
            raise
        raise TransientError(
            f"engine: spark: {settings.spark.master} cannot be reached, or knows another secret than {SPARK_VARIABLE}"
        ) from error
    try:
        yield spark
    finally:
        # Else the next session of this process would spill into the folder of this one, which is gone by then.
        getattr(getattr(spark._jvm.org.apache.spark.util, "Utils$"), "MODULE$").clearLocalRootDirs()
        spark.stop()
