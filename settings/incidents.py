"""Who is told of an incident, when, and what may mend it by itself (``incidents`` in ``romi.yaml``)."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from settings.section import Section

Role = Literal["on_call", "commander", "expert"]
Response = Literal["rebuild", "failover", "replay"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Told(Section):
    """Who has a role: the name of an address of notices, in a region or for a kind of incident where that is said."""

    role: Role
    address: str
    region: str | None = None
    kind: str | None = None

    @field_validator("address")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is not the name of an address, such as ops: the address itself stands in the environment,"
                " ROMI_NOTICE_OPS, or in the notices file, since it may hold a secret"
            )
        return name


class Step(Section):
    """A step of the ladder: after so many minutes without an acknowledgement, the role is told."""

    after_minutes: int = Field(ge=0)
    role: Role


class Stakes(Section):
    """Shares of the shop's usual revenue a minute that are at risk, from which on an incident is so severe."""

    critical: float = Field(0.5, gt=0, le=1)
    major: float = Field(0.1, gt=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Stakes:
        if self.major > self.critical:
            raise ValueError("major: no more than critical")
        return self


class Incidents(Section):
    roles: tuple[Told, ...] = ()
    ladder: tuple[Step, ...] = (
        Step(after_minutes=0, role="on_call"),
        Step(after_minutes=15, role="expert"),
        Step(after_minutes=30, role="commander"),
    )
    severity: Stakes = Stakes()
    close_day: int = Field(5, ge=1, le=28)  # of the month, by which finance closes the month before
    damping_minutes: int = Field(60, ge=0)  # what comes back within it is the same incident
    runbooks: str = "docs/runbooks.md"  # what notices link to, such as its address in your wiki
    automatic: tuple[Response, ...] = ("failover",)  # what runs by itself where the runbook says so

    def address(self, role: str, regions: list[str], kind: str) -> list[str]:
        """The names of the addresses that have the role: the most specific entries that fit, each once.

        Args:
            regions: where the incident is; none for the warehouse as a whole.
        """
        fitting = [
            one for one in self.roles
            if one.role == role and one.region in (None, *regions) and one.kind in (None, kind)
        ]  # fmt: skip
        best = max(((one.kind is not None, one.region is not None) for one in fitting), default=None)
        return list(
            dict.fromkeys(one.address for one in fitting if (one.kind is not None, one.region is not None) == best)
        )
