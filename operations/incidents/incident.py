"""An incident as its lines in the book tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from operations.incidents.findings import Finding, Key, Kind

State = Literal["open", "easing", "closed"]
SEVERITIES = ("critical", "major", "minor")
Told = tuple[str, str]  # an occasion, and the name of an address
ITSELF = "itself"  # who closed an incident whose cause went


@dataclass
class Incident:
    """One root cause, from when it was found until it is over.

    `standing` is what is found of it now: of a closed one, what whoever resolved it lives with. `touched` names all
    that it ever touched. While `easing` its cause is gone, and it closes when it has not come back for a while.
    """

    number: int
    root: str
    kind: Kind
    opened_at: datetime
    severity: str = SEVERITIES[-1]
    at_risk_cents: int | None = None  # revenue at risk a minute, as last told
    state: State = "open"
    standing: tuple[Finding, ...] = ()
    touched: dict[Key, None] = field(default_factory=dict)
    eased_at: datetime | None = None
    flaps: int = 0
    reopened: int = 0
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    part_of: int | None = None  # the incident of the cause that turned out to be behind it
    told: dict[Told, str] = field(default_factory=dict)  # the role
    heard_at: dict[str, datetime] = field(default_factory=dict)  # by address, first
    untold: dict[Told, tuple[int, datetime, str]] = field(default_factory=dict)  # tries, the last one, its problem
    timeline: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        return self.state != "closed"

    @property
    def is_acknowledged(self) -> bool:
        return self.acknowledged_at is not None

    @property
    def was_accepted(self) -> bool:
        """Whether a person resolved it though its cause still stands."""
        return self.state == "closed" and self.closed_by != ITSELF and bool(self.standing)

    @property
    def regions(self) -> list[str]:
        """Every region that it ever touched."""
        return sorted({region for _, region, *_ in self.touched if region})

    @property
    def things(self) -> list[tuple[str | None, str]]:
        """All that it ever touched, with the region: of service levels only where they are all that is wrong."""
        counted = {self.kind.value} if self.kind == Kind.BURN_RATE else {*Kind} - {Kind.BURN_RATE}
        found = {(region, thing) for kind, region, _, thing in self.touched if thing and kind in counted}
        return sorted(found, key=str)

    @property
    def title(self) -> str:
        """What it is, where, and how much it touches, in one line."""
        first = [Finding.of_line(one) for line in self.timeline[:1] for one in line["findings"]]
        found = [*self.standing, *first]
        cause = next((one.cause for one in found if one.kind == self.kind), self.root.partition(": ")[2])
        where = f" in {', '.join(self.regions)}" if self.regions else ""
        count = f" ({len(self.things):,} touched)" if len(self.things) > 1 else ""
        return f"{self.kind.value.replace('_', ' ')}{where}: {cause}{count}"

    def summary(self) -> dict[str, Any]:
        """What `romi status` shows of it."""
        return {
            "number": self.number, "severity": self.severity, "title": self.title,
            "opened_at": self.opened_at.isoformat(), "acknowledged_by": self.acknowledged_by,
        }  # fmt: skip


def apply(incidents: dict[int, Incident], line: dict[str, Any]) -> None:
    """Let one line of the book change what it tells of.

    Raises:
        ValueError, KeyError, TypeError: it is no such line.
    """
    moment, event = datetime.fromisoformat(line["at"]), line["event"]
    if event == "opened":
        finding = Finding.of_line(line["findings"][0])
        one = Incident(line["incident"], line["root"], Kind(line["kind"]) if "kind" in line else finding.kind, moment)
        incidents[one.number] = one
    one = incidents[line["incident"]]
    if "findings" in line:
        one.standing = tuple(Finding.of_line(found) for found in line["findings"])
        one.touched |= dict.fromkeys(sorted((key for found in one.standing for key in found.keys), key=str))
    one.severity = line.get("severity", one.severity)
    one.at_risk_cents = line.get("at_risk_cents", one.at_risk_cents)
    if event == "eased":
        one.state, one.eased_at = "easing", moment
    elif event in ("returned", "reopened"):
        one.state, one.eased_at, one.closed_at, one.closed_by = "open", None, None, None
        one.flaps += 1
        one.reopened += event == "reopened"
    elif event == "acknowledged":
        one.acknowledged_at, one.acknowledged_by = moment, line["by"]
    elif event == "closed":
        one.state, one.closed_at, one.closed_by = "closed", moment, line["by"]
    elif event == "merged":
        one.state, one.closed_at, one.closed_by, one.part_of = "closed", moment, ITSELF, line["into"]
    elif event in ("told", "untold"):
        _tell(one, line, moment)
    one.timeline.append(line)


def _tell(one: Incident, line: dict[str, Any], moment: datetime) -> None:
    told = line["key"], line["address"]
    if line["event"] == "told":
        one.told[told] = line["role"]
        one.heard_at.setdefault(line["address"], moment)
        one.untold.pop(told, None)
    else:
        tries, *_ = one.untold.get(told, (0,))
        one.untold[told] = tries + 1, moment, line["problem"]
