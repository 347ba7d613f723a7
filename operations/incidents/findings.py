"""What went wrong, where, and by which cause: the finding that gate, service levels, backups, locks and runs share.

Findings of one root cause are one incident: fifty corrupt archives, three regions that are late since one queue
stopped, one lock that fails six steps. The root is the kind with the words of its cause, without what differs from
place to place (regions, days, numbers, paths).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

_KEPT_THINGS = 1000
_PLACES = re.compile(r"\S*/\S+|`[^`]*`|'[^']*'|\"[^\"]*\"")
_NUMBERS = re.compile(r"[+-]?\d[\d,.:TZ-]*")
_WORD = re.compile(r"[a-z_]+|#|…")


class Kind(StrEnum):
    """Kinds of causes; each has a runbook (:mod:`operations.incidents.runbooks`)."""

    FAILED_RUN = "failed_run"
    WITHHELD = "withheld"
    CORRUPT_ARCHIVES = "corrupt_archives"
    LATE_REGION = "late_region"
    BACKLOG = "backlog"
    FAILOVER = "failover"
    BURN_RATE = "burn_rate"
    MEMORY = "memory"
    LOCK = "lock"
    DISK_FULL = "disk_full"
    OUT_OF_MEMORY = "out_of_memory"
    UNREADABLE = "unreadable"
    JOURNAL = "journal"
    CLOCK = "clock"
    BACKUP_FAILED = "backup_failed"
    NOTICES_UNDELIVERABLE = "notices_undeliverable"
    BREACH = "breach"
    OTHER = "other"  # what a person found


_STOPS = (Kind.FAILED_RUN, Kind.MEMORY, Kind.LOCK, Kind.DISK_FULL, Kind.OUT_OF_MEMORY, Kind.UNREADABLE)
_INPUT = (Kind.LATE_REGION, Kind.BACKLOG, Kind.CORRUPT_ARCHIVES, Kind.FAILOVER)
# Consequences: with an incident of such a kind in the same region they are part of it, and by themselves their own. Of
# several causes that stand there, the one that comes first here explains it best.
_FOLLOWS: dict[Kind, tuple[Kind, ...]] = {
    Kind.LATE_REGION: (*_STOPS, Kind.BACKLOG),
    Kind.BACKLOG: (*_STOPS, Kind.LATE_REGION),  # what was held up comes at once
    Kind.FAILOVER: (Kind.CORRUPT_ARCHIVES,),
}
# The same of an error budget that burns, by its service level: a lock lets figures grow old and makes none wrong.
SLO_FOLLOWS: dict[str, tuple[Kind, ...]] = {
    "accuracy": (Kind.WITHHELD, Kind.CORRUPT_ARCHIVES, Kind.LATE_REGION, Kind.BACKLOG, Kind.MEMORY),
    "records_accounted": (Kind.CORRUPT_ARCHIVES, Kind.MEMORY, Kind.LATE_REGION, Kind.WITHHELD),
    "event_match_rate": (Kind.CORRUPT_ARCHIVES, Kind.LATE_REGION, Kind.BACKLOG, Kind.MEMORY, Kind.WITHHELD),
    "freshness_hours": (*_STOPS, Kind.LATE_REGION, Kind.WITHHELD, Kind.BACKLOG, Kind.CORRUPT_ARCHIVES),
    "ingest_latency": (
        Kind.OUT_OF_MEMORY, Kind.DISK_FULL, Kind.LOCK, Kind.BACKLOG, Kind.FAILOVER, Kind.UNREADABLE, Kind.LATE_REGION,
    ),
    "availability": (Kind.UNREADABLE, Kind.MEMORY, Kind.DISK_FULL, Kind.OUT_OF_MEMORY, Kind.FAILED_RUN),
}  # fmt: skip
# What a clock that is ahead makes up, by the beginning of their roots: they go by the age of something.
OF_AGES = ("late_region: ", "backlog: ", "burn_rate: freshness", "backup_failed: backups are overdue")
# Their things have names that stay, so that whoever resolves an incident of them accepts exactly these.
_NAMED_THINGS = frozenset({Kind.WITHHELD, Kind.CORRUPT_ARCHIVES, Kind.BURN_RATE, Kind.FAILOVER})

# No check looks for these: a person opens them, and closes them.
BY_HAND = frozenset({Kind.BREACH, Kind.OTHER})

Key = tuple[str, str | None, str | None, str]


@dataclass(frozen=True)
class Finding:
    """One cause at one place. Nothing in it is personal data, nor a value of the data.

    Args:
        kind: what sort of cause.
        cause: it in few words, the same wherever it strikes: ``truncated gzip``, ``stale_rate``.
        evidence: a line for people that says what was seen.
        region: where; None for what concerns the whole warehouse.
        topic: of the archives, or the folder of a table's files.
        things: names of what it touches: archives, days, steps, service levels.
        mend: the command or deed that mends it.
        follows: kinds of causes of which this is a consequence where they strike the same region.
    """

    kind: Kind
    cause: str
    evidence: str
    region: str | None = None
    topic: str | None = None
    things: tuple[str, ...] = ()
    mend: str = ""
    follows: frozenset[Kind] = field(default_factory=frozenset)

    @property
    def root(self) -> str:
        """By which findings of one root cause fall together, whatever the region."""
        return f"{self.kind.value}: {normal_cause(self.cause, self.region)}"

    @property
    def consequence_of(self) -> tuple[Kind, ...]:
        """Kinds of causes that explain it where they strike the same region, the likeliest first."""
        if self.kind == Kind.BURN_RATE:
            known = (kinds for slo, kinds in SLO_FOLLOWS.items() if self.cause.startswith(slo))
            return next(known, (*_STOPS, *_INPUT, Kind.WITHHELD))
        lost_input = [kind for kind in (Kind.CORRUPT_ARCHIVES, *_INPUT) if kind in self.follows]
        return tuple(dict.fromkeys([*lost_input, *sorted(self.follows), *_FOLLOWS.get(self.kind, ())]))

    def may_come_of(self, cause: Finding) -> bool:
        """Whether a finding elsewhere explains this one: by its kind, its region, and of cost, by what files it is."""
        is_near = self.region is None or cause.region in (None, self.region)
        if cause.kind not in self.consequence_of or not is_near:
            return False
        is_of_cost = (cause.topic or "").startswith("spend")
        return cause.kind != Kind.CORRUPT_ARCHIVES or self.kind != Kind.WITHHELD or is_of_cost == self.is_of_cost

    @property
    def is_of_cost(self) -> bool:
        """Whether what is withheld lacks cost rather than orders."""
        return self.cause.startswith("cost ")

    @property
    def keys(self) -> frozenset[Key]:
        """Each thing that it touches, by kind and place; the place itself where it names none."""
        return frozenset((self.kind.value, self.region, self.topic, thing) for thing in self.things or ("",))

    @property
    def can_be_accepted(self) -> bool:
        """Whether to resolve it by hand means to live with the things that it names."""
        return self.kind in _NAMED_THINGS

    def as_line(self) -> dict[str, Any]:
        """As it stands in the book of incidents."""
        return asdict(self) | {
            "kind": self.kind.value,
            "things": list(self.things[:_KEPT_THINGS]),
            "follows": sorted(self.follows),
        }

    @classmethod
    def of_line(cls, line: dict[str, Any]) -> Finding:
        """
        Raises:
            ValueError, KeyError: it is of a kind that this release does not know, or no finding.
        """
        return cls(
            Kind(line["kind"]), line["cause"], line["evidence"], line["region"], line["topic"], tuple(line["things"]),
            line["mend"], frozenset(Kind(one) for one in line["follows"]),
        )  # fmt: skip


def normal_cause(cause: str, region: str | None = None) -> str:
    """The words of a cause without what differs from place to place."""
    text = _NUMBERS.sub("#", _PLACES.sub("…", cause.lower()))
    words = [word for word in _WORD.findall(text) if word != (region or "").lower()]
    return " ".join(_without_repeats(words)) or "unknown"


def _without_repeats(words: list[str]) -> Iterator[str]:
    last = None
    for word in words:
        if word != last or word not in "#…":
            yield word
        last = word
