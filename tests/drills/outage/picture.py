"""What the drill leaves: depth and age of the backlog over time as SVG, and a page with the incidents' reviews."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import wrap
from typing import Any

from operations.incidents.review import review
from operations.recovery import history
from tests.drills.outage.drill import EXPECTED, EXPECTED_FAILOVERS, FLOOD, LAST, MENDED, STOPPED, Drill, clock
from tests.drills.outage.source import evening

_COLOURS = {"eu": "#1f5fa8", "us": "#d9822b"}
_WIDTH = 120  # of the page's lines
_DAY = 86_400_000  # milliseconds
_GREY = "#5f6b76"
_SIZE = {"width": 330, "height": 150}
BEGINNING = evening(STOPPED) + timedelta(hours=13)  # when all that came before is loaded
_OUTAGE = evening(STOPPED), FLOOD
_WHOLE = BEGINNING, MENDED + timedelta(hours=1)
_LAST_DAY = FLOOD - timedelta(hours=1), MENDED + timedelta(hours=1)


def curve(drill: Drill) -> list[dict[str, Any]]:
    """Each moment at which a region's backlog was booked, in the order of booking: events, and hours of the oldest."""
    points: list[dict[str, Any]] = []
    open_at: dict[str, dict[str, Any]] = {}
    for one in history.depths(drill.settings(drill.shop), BEGINNING):
        if one["topic"].startswith("("):  # a table
            continue
        point = open_at.get(one["region"])
        if point is None or point["time"] != one["at"] or one["topic"] in point["topics"]:
            point = {
                "n": len(points),
                "time": one["at"],
                "region": one["region"],
                "records": 0,
                "hours": 0.0,
                "topics": [],
            }
            open_at[one["region"]] = point
            points.append(point)
        point["topics"].append(one["topic"])
        point["records"] += one["records"]
        point["hours"] = max(point["hours"], (one["oldest_age_seconds"] or 0) / 3600)
    return points


def draw(points: list[dict[str, Any]], path: Path) -> None:
    """Records that wait and the age of the oldest, by region: the whole time, and the day of the flood."""
    import altair as alt

    measures = [("records", "events that wait"), ("hours", "hours the oldest has waited")]
    rows = [
        alt.hconcat(*(_panel(points, name, title, span) for span in (_WHOLE, _LAST_DAY))) for name, title in measures
    ]
    words = "eu's queue stands still while it is shaded, then everything comes at once; right, the last day alone."
    title = alt.TitleParams(
        "The backlog in the drill of an outage", subtitle=words, anchor="start", subtitleColor=_GREY
    )
    chart = alt.vconcat(*rows, title=title, background="white", padding=12)
    chart.configure_view(stroke=None).configure_axis(grid=False, labelColor=_GREY, titleColor=_GREY).save(str(path))


def _panel(points: list[dict[str, Any]], name: str, title: str, span: tuple[datetime, datetime]) -> Any:
    import altair as alt

    begin, end = (int(one.timestamp() * 1000) for one in span)
    low, high = (min(max(int(one.timestamp() * 1000), begin), end) for one in _OUTAGE)
    is_one_day = end - begin < _DAY
    ticks = [one for one in range(begin // _DAY * _DAY, end, _DAY // 8 if is_one_day else _DAY) if one >= begin]
    axis = alt.Axis(title="UTC", format="%H:%M" if is_one_day else "%d %b", values=ticks)
    scale = alt.Scale(type="utc", domain=[begin, end])
    shade = alt.Chart(alt.Data(values=[{"from": low, "to": high}])).mark_rect(color="#e9ecef").encode(
        x=alt.X("from:T", scale=scale, axis=axis), x2="to:T"
    )  # fmt: skip
    lines = alt.Chart(alt.Data(values=points)).mark_line(clip=True, strokeWidth=2, interpolate="step-after").encode(
        x=alt.X("time:T", scale=scale, axis=axis),
        y=alt.Y(f"{name}:Q", title=title, axis=alt.Axis(tickCount=4)),
        color=alt.Color("region:N", scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))),
        order="n:Q",
    )  # fmt: skip
    return (shade + lines).properties(**_SIZE)


def page(drill: Drill, found: list[str], picture: str) -> str:
    """The drill's page: what was stated beforehand, what it came to, the picture and the reviews."""
    deepest = max(one["records"] for one in curve(drill) if one["region"] == "eu")
    came = found or ["The rows of finance are those of the calm shop."]
    return "\n".join([
        "# The drill of an outage", "",
        "`make drill` plays it and writes this page; `tests/drills/outage/` holds it.", "",
        *_story(drill), "",
        "Stated beforehand:", "",
        f"- these incidents and no others: {'; '.join(f'`{kind}` in {regions[0]}' for kind, regions in EXPECTED)};",
        f"- the replica serves for {_counted(EXPECTED_FAILOVERS)};",
        "- at each noon, us is published up to its last day;",
        "- in the end every row of `finance.*` is that of a calm shop, which had the same input in time and was run",
        "  once. Left out are `slo_daily` and `restatements`, which tell what happened on the way. `k_anonymity` is 1",
        "  in both, since what small cells show depends on what was published before.", "",
        f"What it came to: {' '.join(came)}",
        f"{drill.kills} kills; the replica served for {_counted(drill.failovers)};",
        f"at most {deepest:,} events waited in eu, by the bytes that an event takes on average. Incidents:", "",
        *(f"{one.number}. {one.title}" for one in drill.incidents(drill.shop)), "",
        f"![Depth and age of the backlog over time]({picture})", "",
        *_reviews(drill),
    ])  # fmt: skip


def _story(drill: Drill) -> list[str]:
    damage, first = drill.damage, STOPPED + timedelta(days=1)
    return wrap(
        f"From {first} to {LAST} no event of eu lands; its ledger and cost do, and everything of us, the other region."
        f" Then the {len(drill.late):,} archives of these days arrive within six hours, out of order:"
        f" {len(damage.doubled)} of them twice, {len(damage.missing)} missing and {len(damage.cut)} cut short, for"
        f" which the replica has to serve, and {len(damage.corrupt)} corrupt in both places. `romi recover` is"
        " killed in each hour of the flood, then again and again, each time later, until one run finishes. In the"
        " evening upstream sends the damaged archives again.",
        _WIDTH,
    )


def _counted(failovers: dict[str, int]) -> str:
    return ", ".join(f"{count} {why}" for why, count in sorted(failovers.items()))


def _reviews(drill: Drill) -> Iterator[str]:
    """Of each incident what `romi incidents review` writes, but for what is left to whoever was there."""
    with clock(MENDED):
        for one in drill.incidents(drill.shop):
            text, _, _ = review(drill.settings(drill.shop), one).partition("## To be written")
            yield from (f"#{line}" if line.startswith("#") else line for line in text.rstrip().splitlines())
            yield ""
