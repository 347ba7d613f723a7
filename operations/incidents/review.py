"""The review after an incident, as Markdown: timeline, impact in money and minutes, cause, what changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from operations.incidents import words
from operations.incidents.findings import Finding
from operations.incidents.impact import impact
from operations.incidents.incident import Incident
from operations.incidents.runbooks import RUNBOOKS
from settings import Settings

_LISTED = 20


def review(settings: Settings, incident: Incident) -> str:
    """The review of an incident; of one that is not over, so far."""
    lines = [
        f"# Incident {incident.number}: {incident.title}", "",
        f"{incident.severity.capitalize()}. {_span(incident)}", "",
        "## Timeline", "", "| at (UTC) | |", "| --- | --- |", *_timeline(incident), "",
        "## Impact", "", *_impact(settings, incident), "",
        "## Cause", "", *_cause(incident), "",
        "## What changed", "", *_changed(settings, incident), "",
        "## To be written by those involved", "",
        "- What went well, what did not, and where we were lucky:",
        "- What would have found it earlier:",
        "- What will be done so that it does not happen again, by whom, and by when:", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _span(incident: Incident) -> str:
    end = f"to {incident.closed_at:%Y-%m-%d %H:%M}" if incident.closed_at else "and not over"
    return f"From {incident.opened_at:%Y-%m-%d %H:%M} {end} (UTC), {words.minutes(incident):,} minutes."


def _timeline(incident: Incident) -> Iterator[str]:
    for line in incident.timeline:
        yield f"| {datetime.fromisoformat(line['at']):%Y-%m-%d %H:%M:%S} | {words.event(line)} |"


def _impact(settings: Settings, incident: Incident) -> Iterator[str]:
    found = impact(settings, incident)
    yield f"- Open for {found.minutes:,} minutes" + (
        f", in {', '.join(incident.regions)}." if incident.regions else ", of the warehouse as a whole."
    )
    if found.at_risk_cents is None:
        yield "- The usual revenue of its regions is not known yet."
    else:
        yield f"- Usual revenue of its regions in that time: {words.money(settings, found.at_risk_cents)}."
    for one in found.restated:
        moved = f"revenue by {one['change']:+,.2f} {settings.reporting_currency}"
        moved += f" ({one['moved']:,.2f} without regard to sign)"
        yield (
            f"- Version {one['version']} restated {one['days']:,} day{'s' * (one['days'] != 1)} of {one['region']},"
            f" {one['first']} to {one['last']}: {moved if one['moved'] else 'no revenue'}, for {one['why']}."
        )
    if not found.restated:
        yield "- No published day of its regions was restated meanwhile."


def _cause(incident: Incident) -> Iterator[str]:
    opened = incident.timeline[0]
    yield f"{RUNBOOKS[incident.kind].means}"
    yield ""
    for line in opened["findings"]:
        finding = Finding.of_line(line)
        yield f"- {f'{finding.region}: ' if finding.region else ''}{finding.evidence}"
    things = [f"{region or 'warehouse'}: {thing}" for region, thing in incident.things]
    if len(things) > 1:
        yield ""
        yield f"It touched {len(things):,} things: {', '.join(things[:_LISTED])}{' …' * (len(things) > _LISTED)}"


def _changed(settings: Settings, incident: Incident) -> Iterator[str]:
    told = [one for one in incident.timeline if one["event"] in ("acknowledged", "responded", "closed", "merged")]
    for line in told:
        yield f"- {words.event(line).capitalize()}."
    if not told:
        yield "- Nothing yet."
