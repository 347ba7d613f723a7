"""What is wrong with a region's input, as findings: late, deeper than usual, or served by its replica."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from operations.incidents.findings import Finding, Kind
from operations.recovery.usual import KNOWS_NOTHING, unusual
from settings import Settings

# What is looked for here.
OF_INPUT = frozenset({Kind.LATE_REGION, Kind.BACKLOG, Kind.FAILOVER})


def of_input(settings: Settings, snapshot: dict[str, Any]) -> Iterator[Finding]:
    """The findings of a region's snapshot. One queue that stops makes several regions late: one root."""
    region, backlog = snapshot["region"], snapshot["backlog"]
    for one in unusual(settings, region, backlog, snapshot.get("usual_arrivals", KNOWS_NOTHING)):
        if one.what == "late":
            mend = "ask upstream why nothing arrives; once it does, `romi recover`"
            yield Finding(Kind.LATE_REGION, "nothing arrives any more", one.words, region, mend=mend)
        else:
            mend = "`romi recover --plan` says what it takes, `romi recover` does it"
            yield Finding(Kind.BACKLOG, "the backlog is deeper than usual", one.words, region, one.topic, mend=mend)
    if served := backlog.get("failovers"):
        whys = Counter(one["why"].partition(":")[0].partition(",")[0] for one in served)
        count = ", ".join(f"{files:,} {why}" for why, files in sorted(whys.items()))
        yield Finding(
            Kind.FAILOVER, "the replica serves for files of the landing zone", f"{count}, such as {served[0]['name']}",
            region, things=tuple(one["name"] for one in served),
            mend="ask upstream to land them whole; the same content is not loaded again",
        )  # fmt: skip
