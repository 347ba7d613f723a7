"""What is said of an incident, for people: nothing of it is personal data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from operations.incidents.findings import Kind
from operations.incidents.incident import ITSELF, Incident
from operations.incidents.runbooks import RUNBOOKS, anchor
from operations.incidents.stakes import puts_revenue_at_risk
from settings import Settings, now

_SHOWN = 5
BREACH_HOURS = 72  # within which the supervisory authority is to be told (Art. 33 GDPR)
_HEADS = {"opened": "opened", "escalated": "nobody has acknowledged it yet", "back": "is back", "over": "over"}


def notice(settings: Settings, incident: Incident, what: str) -> tuple[str, str]:
    """The title and the body of a notice."""
    head = _HEADS[what]
    title = f"[{incident.severity}] Incident {incident.number}, {head}: {incident.title}"
    lines = [f"Since {_at(incident.opened_at)}, for {minutes(incident):,} minutes. Warehouse {settings.warehouse}."]
    if what == "over":
        lines.append(f"{ending(incident)} `romi incidents review {incident.number}` writes the review.")
        return title, "\n".join(lines)
    if incident.closed_at:
        lines.append(f"It is over by now: this could not be delivered before. {ending(incident)}")
    lines += [risk(settings, incident), *evidence(incident)]
    if deadline := authority_deadline(incident):
        lines.append(f"The supervisory authority is to be told by {_at(deadline)}.")
    runbook = RUNBOOKS[incident.kind]
    lines += [
        f"Runbook: {settings.incidents.runbooks}#{anchor(incident.kind)}, or `romi incidents show {incident.number}`.",
        f"Command: {runbook.command}." if runbook.command else "",
        f"`romi incidents ack {incident.number}` says that you are on it.",
    ]
    return title, "\n".join(line for line in lines if line)


def evidence(incident: Incident) -> list[str]:
    """A line for each finding that stands, with what mends it."""
    lines = [
        f"- {f'{one.region}: ' if one.region else ''}{one.evidence}{f' ({one.mend})' if one.mend else ''}"
        for one in incident.standing[:_SHOWN]
    ]
    more = len(incident.standing) - _SHOWN
    return [*lines, *([f"- and {more:,} more"] if more > 0 else [])]


def risk(settings: Settings, incident: Incident) -> str:
    """The usual revenue a minute of what it touches, in words."""
    if incident.at_risk_cents is None:
        return "What is at risk is not known: there is no usual revenue yet."
    if not puts_revenue_at_risk(incident):
        return "No revenue is at risk."
    if not incident.at_risk_cents:
        return "What it touches usually takes no revenue at this hour of the week."
    return f"Usual revenue of what it touches: {money(settings, incident.at_risk_cents)} a minute."


def ending(incident: Incident) -> str:
    """How it ended."""
    if incident.closed_at is None:
        return ""
    if incident.part_of:
        return f"It is part of incident {incident.part_of}, which tells its cause."
    if incident.closed_by == ITSELF:
        return f"Its cause is gone since {_at(incident.closed_at)}."
    said = next((one.get("note") for one in reversed(incident.timeline) if one["event"] == "closed"), None)
    return f"{incident.closed_by} resolved it at {_at(incident.closed_at)}{f': {said}' if said else ''}."


def authority_deadline(incident: Incident) -> datetime | None:
    """By when the supervisory authority is to be told of a breach; None of all else."""
    return incident.opened_at + timedelta(hours=BREACH_HOURS) if incident.kind == Kind.BREACH else None


def minutes(incident: Incident) -> int:
    """How long it has been open, or was."""
    return max(0, int(((incident.closed_at or now()) - incident.opened_at).total_seconds() // 60))


def money(settings: Settings, cents: int) -> str:
    return f"{'-' * (cents < 0)}{abs(cents) // 100:,}.{abs(cents) % 100:02d} {settings.reporting_currency}"


def event(line: dict[str, Any]) -> str:
    """A line of the book, for a timeline."""
    by, note = line.get("by"), line.get("note")
    said = {
        "opened": f"opened, {line.get('severity')}", "changed": "touches other things than before",
        "eased": "its cause is gone; it has come and gone before, so it stays open for a while",
        "returned": "its cause is back", "reopened": "its cause is back: opened again",
        "acknowledged": f"acknowledged by {by}",
        "closed": "closed, as its cause is gone" if by == ITSELF else f"resolved by {by}",
        "merged": f"part of incident {line.get('into')}, which tells its cause",
        "responded": f"by itself, {line.get('response')}",
        "told": f"told {line.get('role')} ({line.get('address')})",
        "untold": f"{line.get('role')} could not be told: {line.get('problem')}",
    }  # fmt: skip
    return said.get(line["event"], line["event"]) + (f": {note}" if note else "")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
