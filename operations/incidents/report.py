"""Findings become incidents: opened, joined to the one of their root cause, and closed when they are found no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from operations.incidents import book
from operations.incidents.findings import BY_HAND, OF_AGES, Finding, Key, Kind
from operations.incidents.incident import ITSELF, Incident, apply
from operations.incidents.stakes import stakes
from settings import Settings, now

_FROM_CAUSE_TO_EFFECT = (Kind.BACKLOG, Kind.LATE_REGION, Kind.FAILOVER, Kind.WITHHELD, Kind.BURN_RATE)


@dataclass
class Changes:
    """What a report changed, by the number of the incident."""

    opened: list[Incident] = field(default_factory=list)
    reopened: list[Incident] = field(default_factory=list)
    grown: list[Incident] = field(default_factory=list)  # touch more, or other things, than before
    closed: list[Incident] = field(default_factory=list)

    def __add__(self, later: Changes) -> Changes:
        return Changes(*(getattr(self, one.name) + getattr(later, one.name) for one in fields(self)))

    @property
    def lines(self) -> list[str]:
        """A line for people for each."""
        told = [("opened", self.opened), ("reopened", self.reopened), ("closed", self.closed)]
        return [f"{what} incident {one.number}: {one.title}" for what, them in told for one in them]


def report(
    settings: Settings, findings: Iterable[Finding], *, judged: Collection[Kind],
    regions: Collection[str | None] | None = None, things: Collection[str] | None = None, run: str | None = None,
) -> Changes:  # fmt: skip
    """Book what is found now. What is not, though it was looked for, is gone.

    A finding joins the live incident of its root cause, or that of whose cause it is a consequence in its region; else
    it opens one. An incident of which nothing is found any more closes, unless it has been coming and going: then it
    closes when it has been quiet for `incidents.damping_minutes`.

    Args:
        findings: all that is found now of the kinds `judged` in `regions`; others may be among them.
        judged: the kinds that were looked for. With none, nothing is closed.
        regions: where, with None in it for the warehouse as a whole; without it, everywhere. Leave out a region whose
            figures are not right yet: its incidents stay.
        things: which of the things that findings name were looked at; without it, all.
        run: the id of the run that found it.
    """
    with book.writing(settings):
        return _Report(settings, judged, regions, things, run).of(list(findings))


class _Report:
    def __init__(
        self, settings: Settings, judged: Collection[Kind], regions: Collection[str | None] | None,
        things: Collection[str] | None, run: str | None,
    ) -> None:  # fmt: skip
        self.settings, self.judged, self.regions = settings, frozenset(judged) - BY_HAND, regions
        self.things = None if things is None else frozenset(things)
        self.run = {"run": run} if run else {}
        self.now: datetime = now()
        self.damping = timedelta(minutes=settings.incidents.damping_minutes)
        self.known = {one.number: one for one in book.incidents(settings)}
        self.lines: list[dict[str, Any]] = []
        self.changes = Changes()

    def of(self, findings: list[Finding]) -> Changes:
        grouped = self._grouped(findings)
        for root in [root for root, found in grouped.items() if found[0].kind == Kind.CLOCK]:
            self._settle(root, grouped[root])
            self._merge_what_the_clock_made_up(root)
        for root in dict.fromkeys([*(one.root for one in self.known.values() if one.is_live), *grouped]):
            self._settle(root, grouped.get(root, []))
        self._forget_what_was_accepted(findings)
        book.enter(self.settings, self.lines)
        return self.changes

    def _grouped(self, findings: list[Finding]) -> dict[str, list[Finding]]:
        """By root cause; a consequence goes with its cause where that strikes its region."""
        roots = {one.root: one for one in self.known.values() if one.is_live}
        grouped: dict[str, list[Finding]] = {}
        later = []
        for one in findings:
            if one.consequence_of and one.root not in roots:
                later.append(one)
            else:
                grouped.setdefault(one.root, []).append(one)
        # What a consequence comes of may be a consequence itself.
        for one in sorted(later, key=lambda one: _FROM_CAUSE_TO_EFFECT.index(one.kind)):
            grouped.setdefault(self._cause_of(one, grouped, roots) or one.root, []).append(one)
        return grouped

    def _cause_of(
        self, finding: Finding, grouped: dict[str, list[Finding]], live: dict[str, Incident]
    ) -> str | None:  # fmt: skip
        """The root of what explains a finding best: in its own region, by the likelier kind, open for longer."""
        likely = list(finding.consequence_of)
        there = [(root, one) for root, found in grouped.items() for one in found]
        there += [(root, one) for root, incident in live.items() for one in incident.standing]

        def distance(place: tuple[str, Finding]) -> tuple[bool, int, datetime]:
            root, one = place
            since = live[root].opened_at if root in live else self.now
            return one.region != finding.region, likely.index(one.kind), since

        fitting = [(root, one) for root, one in there if one is not finding and finding.may_come_of(one)]
        return min(fitting, key=distance, default=(None, finding))[0]

    def _settle(self, root: str, found: list[Finding]) -> None:
        incident = next((one for one in self.known.values() if one.is_live and one.root == root), None)
        if incident is None:
            found = self._without_accepted(root, found)
            if found:
                self._open(root, found)
            return
        standing = [one for one in incident.standing if not self._was_looked_for(one)]
        standing = _merged([*found, *standing])
        if not standing:
            self._ease(incident)
        elif incident.state == "easing":
            self._enter(incident.number, "returned", standing)
        elif _keys(standing) != _keys(incident.standing):
            grows = bool(_keys(standing) - incident.touched.keys())
            self._enter(incident.number, "changed", standing)
            self.changes.grown += [incident] * grows

    def _merge_what_the_clock_made_up(self, root: str) -> None:
        """What was opened as late at a moment that is still to come was late by the wrong clock alone."""
        [clock] = [one for one in self.known.values() if one.is_live and one.root == root]
        for one in self.known.values():
            if one.opened_at > self.now and one.part_of is None and one.root.startswith(OF_AGES):
                self._enter(one.number, "merged", [], into=clock.number)

    def _was_looked_for(self, finding: Finding) -> bool:
        if self.things is not None and not self.things.issuperset(finding.things):
            return False
        return finding.kind in self.judged and (self.regions is None or finding.region in self.regions)

    def _without_accepted(self, root: str, found: list[Finding]) -> list[Finding]:
        """What nobody has decided to live with."""
        held = {key for one in self.known.values() if one.was_accepted for key in _keys(one.standing)}
        return [one for one in found if not one.can_be_accepted or one.keys - held]

    def _forget_what_was_accepted(self, findings: list[Finding]) -> None:
        """What was lived with and is gone opens an incident when it comes again."""
        found = _keys(findings)
        for one in self.known.values():
            if one.was_accepted:
                left = [held for held in one.standing if not self._was_looked_for(held) or held.keys & found]
                if len(left) < len(one.standing):
                    self._enter(one.number, "changed", left)

    def _open(self, root: str, found: list[Finding]) -> None:
        last = next((one for one in reversed(self.known.values()) if one.root == root), None)
        if (
            last
            and last.closed_by == ITSELF
            and not last.part_of
            and last.closed_at
            and self.now - last.closed_at < self.damping
        ):
            self.changes.reopened.append(self._enter(last.number, "reopened", _merged(found)))
            return
        number = max(self.known, default=0) + 1
        kind = root.partition(": ")[0]
        self.changes.opened.append(self._enter(number, "opened", _merged(found), root=root, kind=kind))

    def _ease(self, incident: Incident) -> None:
        if incident.flaps and incident.state == "open":
            self._enter(incident.number, "eased")
        elif not incident.flaps or (incident.eased_at and abs(self.now - incident.eased_at) >= self.damping):
            self.changes.closed.append(self._enter(incident.number, "closed", [], by=ITSELF))

    def _enter(self, number: int, event: str, standing: list[Finding] | None = None, **facts: Any) -> Incident:
        if standing is not None:
            facts["findings"] = [one.as_line() for one in standing]
        if standing:
            facts |= stakes(self.settings, standing, self.now)
        line = book.line_of(number, event, at=self.now.isoformat(), **facts, **self.run)
        apply(self.known, line)
        self.lines.append(line)
        return self.known[number]


def _merged(findings: list[Finding]) -> list[Finding]:
    """Each once: of one cause at one place, the first."""
    seen: set[Key] = set()
    kept = []
    for one in findings:
        if one.keys - seen:
            kept.append(one)
            seen |= one.keys
    return kept


def _keys(findings: Iterable[Finding]) -> set[Key]:
    return {key for one in findings for key in one.keys}
