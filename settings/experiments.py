"""Holdout experiments, as they are configured."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from settings.section import Section


class Experiment(Section):
    """A holdout: who or where was kept from a channel's advertising, and when."""

    channel: str = Field(min_length=1)
    campaign: str | None = None
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    assignment: Literal["events", "pseudonym", "geography"] = "events"
    id: str | None = None  # what the events call it, where that is not its key
    control: tuple[str, ...] = ()
    treated: tuple[str, ...] = ()  # without any, all others
    control_share: Decimal = Field(Decimal("0.1"), gt=0, lt=1, decimal_places=6)
    pre_days: int = Field(28, ge=7, le=365)
    regions: tuple[str, ...] | None = None
    confidence: Decimal = Field(Decimal("0.95"), ge=Decimal("0.5"), le=Decimal("0.999"), decimal_places=3)

    @model_validator(mode="after")
    def _fits_its_assignment(self) -> Experiment:
        if self.last < self.first:
            raise ValueError("'to' is a day before 'from'")
        is_drawn = self.assignment == "pseudonym"
        own = {"control", "treated", "id", "control_share", "pre_days"} & self.model_fields_set
        allowed = {"events": {"control", "treated", "id"}, "geography": {"control", "treated", "pre_days"},
                   "pseudonym": {"control_share"}}  # fmt: skip
        if misplaced := own - allowed[self.assignment]:
            known = ", ".join(sorted(allowed[self.assignment]))
            raise ValueError(f"{min(misplaced)!r} means nothing with assignment: {self.assignment}; it takes {known}")
        if not is_drawn and not self.control:
            what = "variations" if self.assignment == "events" else "geographies"
            raise ValueError(f"'control' names the {what} that were held out")
        if both := {one.lower() for one in self.control} & {one.lower() for one in self.treated}:
            raise ValueError(f"{min(both)!r} stands in both 'control' and 'treated'")
        return self
