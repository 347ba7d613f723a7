"""What builds the models: DuckDB in the run's own process, or Spark."""

from __future__ import annotations

import os
import re

from pydantic import Field, field_validator

from settings.section import Section

SPARK_VARIABLE = "ROMI_SPARK_SECRET"  # the environment variable that holds it
# A build counts by these, or is protected by them; a configuration that said otherwise would be passed over.
_OWN = re.compile(
    r"spark\.(sql\.(ansi|session\.timeZone|timestampType|parser|parquet\.datetimeRebase|catalogImplementation|sources\.default"
    r"|warehouse|shuffle\.partitions)|(driver|executor)\.memory$|local\.dir|ui\.(enabled|showConsoleProgress)|eventLog"
    r"|authenticate|network\.crypto|io\.encryption|master\.rest|log\.level)"
)


# What RE2 and Java read as the same: Java knows more, and takes a bracket or && within a class for another class.
_FOREIGN = re.compile(r"\\[^dDwW.\-+*?()\[\]{}|^$/\\]|\[[^\]]*(?:\[|&&)|\(\?(?!:)|\[\^?\]")


def check_pattern(pattern: str) -> None:
    """Raise a ValueError where Spark would read a pattern of ours differently."""
    if found := _FOREIGN.search(pattern):
        raise ValueError(
            f"{found[0]!r} in {pattern!r}: with `engine: spark` a pattern has no escapes but \\d, \\w and"
            " those of signs, no groups but (?:…), and no class within a class"
        )


class Spark(Section):
    """Where Spark runs, and what it is given."""

    master: str = "local[2]"  # or spark://host:port
    memory: str = "2g"  # of the driver, and of each executor
    shuffle_partitions: int = Field(8, ge=1)
    settings: dict[str, str] = {}  # any of Spark's own, but those that a build fixes

    @field_validator("settings")
    @classmethod
    def _leave_what_is_fixed(cls, settings: dict[str, str]) -> dict[str, str]:
        for name in settings:
            if not name.startswith("spark.") or _OWN.match(name):
                raise ValueError(
                    f"{name!r} cannot be set here: a name that begins with spark., and none that a build fixes"
                )
        return settings

    @field_validator("master")
    @classmethod
    def _known_master(cls, master: str) -> str:
        if not re.fullmatch(r"local\[(\d+|\*)\]|spark://[\w.-]+:\d+", master):
            raise ValueError(f"{master!r} is no master: local[2], or spark://host:port of a standalone cluster")
        return master

    @property
    def is_local(self) -> bool:
        """Whether it runs within the run's own process."""
        return self.master.startswith("local")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether nobody else's machine has a part in it."""
        return self.is_local or self.master.startswith("spark://127.0.0.1:")

    def secret(self) -> str | None:
        """What a standalone cluster is authenticated by, from the environment."""
        return os.environ.get(SPARK_VARIABLE) or None
