"""The report's pictures, as Vega-Lite. Each stands beside a table that says the same."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import altair as alt

from operations.reports.marts import Row
from operations.reports.models import OF_ALL_MODELS
from operations.reports.tables import Column, Table
from operations.reports.words import with_minus

Spec = dict[str, Any]
_DIGIT = 7.5  # pixels of a label's character, at the size of the screen's text
_NARROW = 0.3  # steps that move less of the longest bar than this are drawn larger
_TYPES = ["total", "gain", "loss"]  # the palette `ordinal` has a colour for each
_MONEY_AXIS = alt.Axis(format="~s", title=None, tickCount=5)


def steps(table: Table) -> Spec:
    """From one total to the next: a bar for each row of a table of steps."""
    values, at = [], Decimal(0)
    for row in table.rows:
        amount, is_total = row["amount"], row["is_total"]
        start = Decimal(0) if is_total else at
        at = start + amount
        kind = "total" if is_total else "gain" if amount >= 0 else "loss"
        label = with_minus(f"{amount:,.0f}" if is_total else f"{amount:+,.0f}")
        values.append({"name": row["name"], "from": float(start), "to": float(at), "amount": float(amount),
                       "label": label, "kind": kind})  # fmt: skip
    order = [row["name"] for row in table.rows]
    scale, low = _scale(values, room=10 + _DIGIT * max(len(one["label"]) for one in values))
    for one in values:
        one["from"], one["to"] = max(one["from"], low), max(one["to"], low)
    axis = (
        _MONEY_AXIS if low <= 0 else alt.Axis(format="~s", tickCount=5, title=f"the bars begin at {low:,.0f}, not at 0")
    )
    base = alt.Chart(alt.Data(values=values)).encode(y=alt.Y("name:N", sort=order, axis=alt.Axis(title=None)))
    bars = base.mark_bar(height={"band": 0.62}).encode(
        x=alt.X("from:Q", axis=axis, scale=scale), x2="to:Q",
        color=alt.Color("kind:N", scale=alt.Scale(domain=_TYPES, range="ordinal"), legend=None),
        tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("amount:Q", format=",.2f", title="Amount")],
    )  # fmt: skip
    labels = base.transform_calculate(end="max(datum.from, datum.to)").mark_text(align="left", dx=5).encode(
        x="end:Q", text="label:N"
    )  # fmt: skip
    return _spec((bars + labels).properties(width="container", height=30 * len(order)))


def _scale(values: list[Spec], room: float) -> tuple[alt.Scale, float]:
    """A scale with `room` pixels for the labels, and its begin: beyond 0 where the steps could not be told apart else.

    A label is as wide on a narrow screen as on a wide one, so the room is no share of the width.
    """
    ends = [one[side] for one in values for side in ("from", "to")]
    moving = [one[side] for one in values if one["kind"] != "total" for side in ("from", "to")] or ends
    low, high = min(0.0, *ends), max(0.0, *ends)
    moved = max(moving) - min(moving)
    if min(moving) > 0 and moved < _NARROW * high:
        low = float(int(max(min(moving) - moved, 0.0)))
    width = alt.ExprRef(f"max(width - {room:.0f}, 40)")
    return alt.Scale(domain=[low, high], range=[0, width], nice=False), low


def trend(days: list[Row]) -> Spec:
    """Margin and spend by day, summed over the seven days up to it; days that may still move stand on a band."""
    values = [
        {"date": f"{row['date']:%Y-%m-%d}", "series": name, "amount": float(row[key]), "state": row["state"]}
        for row in days for name, key in (("Margin", "margin"), ("Spend", "spend"))
    ]  # fmt: skip
    bands = _bands(days)
    shade = alt.Chart(alt.Data(values=bands)).mark_rect(opacity=0.16).encode(
        x="from:T", x2="to:T",
        color=alt.Color("state:N", scale=alt.Scale(domain=["not final", "running month"], range="ramp"),
                        legend=alt.Legend(title=None)),
    )  # fmt: skip
    lines = alt.Chart(alt.Data(values=values)).mark_line(strokeWidth=2).encode(
        x=alt.X("date:T", axis=alt.Axis(title=None, format="%d %b", tickCount=8, labelBound=True)),
        y=alt.Y("amount:Q", axis=_MONEY_AXIS),
        color=alt.Color("series:N", scale=alt.Scale(domain=["Margin", "Spend"], range="category"),
                        legend=alt.Legend(title=None)),
        strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=["Margin", "Spend"], range=[[1, 0], [6, 3]]),
                                  legend=None),
        tooltip=[alt.Tooltip("date:T", format="%d %b %Y", title="Day"), alt.Tooltip("series:N", title=" "),
                 alt.Tooltip("amount:Q", format=",.2f", title="Seven days"), alt.Tooltip("state:N", title="State")],
    )  # fmt: skip
    chart = alt.layer(shade, lines).resolve_scale(color="independent").properties(width="container", height=240)
    return _spec(chart)


def shares(table: Table, columns: tuple[Column, ...]) -> Spec:
    """Each row as one bar of 100%, a part for each of the columns."""
    rows = [*table.rows, *([table.total] if table.total else [])]
    order, labels = [row["name"] for row in rows], [one.label for one in columns]
    values = [
        {"name": row["name"], "part": one.label, "order": n, "share": row[one.key]}
        for row in rows for n, one in enumerate(columns) if row[one.key]
    ]  # fmt: skip
    bars = alt.Chart(alt.Data(values=values)).mark_bar(height={"band": 0.62}).encode(
        y=alt.Y("name:N", sort=order, axis=alt.Axis(title=None)),
        x=alt.X("share:Q", axis=alt.Axis(format="%", title=None), scale=alt.Scale(domain=[0, 1])),
        order="order:Q",
        color=alt.Color("part:N", scale=alt.Scale(domain=labels, range="heatmap"),
                        legend=alt.Legend(title=None, columns=alt.ExprRef("width < 340 ? 1 : 2"))),
        tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("part:N", title=" "),
                 alt.Tooltip("share:Q", format=".1%", title="Share of revenue")],
    )  # fmt: skip
    return _spec(bars.properties(width="container", height=32 * len(order)))


def _bands(days: list[Row]) -> list[Spec]:
    bands: list[Spec] = []
    for row in days:
        if row["state"] == "final":
            continue
        end = f"{row['date'] + timedelta(days=1):%Y-%m-%d}"
        if bands and bands[-1]["state"] == row["state"]:
            bands[-1]["to"] = end
        else:
            bands.append({"state": row["state"], "from": f"{row['date']:%Y-%m-%d}", "to": end})
    return bands


def span(models: Table) -> Spec:
    """Each channel's margin under every model, and the range between the least and the most."""
    names = [column for column in models.columns if column.key not in OF_ALL_MODELS]
    rows = models.rows[:12]
    order = [row["name"] for row in rows]
    ranges = [{"name": row["name"], "low": float(row["low"]), "high": float(row["high"])} for row in rows]
    points = [{"name": row["name"], "model": one.label, "margin": float(row[one.key])} for row in rows for one in names]
    y = alt.Y("name:N", sort=order, axis=alt.Axis(title=None))
    rule = alt.Chart(alt.Data(values=ranges)).mark_bar(height=6, opacity=0.35, style="range").encode(
        y=y, x=alt.X("low:Q", axis=_MONEY_AXIS), x2="high:Q"
    )  # fmt: skip
    dots = alt.Chart(alt.Data(values=points)).mark_point(filled=True, size=55, opacity=0.75).encode(
        y=y, x="margin:Q",
        tooltip=[alt.Tooltip("name:N", title="Channel"), alt.Tooltip("model:N", title="Model"),
                 alt.Tooltip("margin:Q", format=",.2f", title="Margin")],
    )  # fmt: skip
    return _spec((rule + dots).properties(width="container", height=30 * len(rows)))


def _spec(chart: Any) -> Spec:
    spec: Spec = chart.to_dict(validate=False)
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec.pop("config", None)  # the page has one for light and one for dark
    return spec
