"""The report's pictures, as Vega-Lite. Each stands beside a table that says the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import altair as alt

from operations.reports.bridge import Totals
from operations.reports.comparison import Comparison
from operations.reports.marts import Row
from operations.reports.tables import Table
from operations.reports.words import with_minus

Spec = dict[str, Any]
_TYPES = ["total", "gain", "loss"]  # the palette `ordinal` has a colour for each
_MONEY_AXIS = alt.Axis(format="~s", title=None)


def waterfall(whole: Totals) -> Spec:
    """From revenue to the margin after spend."""
    return _steps([
        ("Revenue", whole.revenue, True), ("Refunds", -whole.refunds, False), ("Net revenue", whole.net_revenue, True),
        ("Cost of goods", -whole.cogs, False), ("Margin", whole.margin, True), ("Spend", -whole.spend, False),
        ("Margin after spend", whole.after_spend, True),
    ])  # fmt: skip


def bridge(comparison: Comparison, before: str, now: str) -> Spec:
    """From the margin after spend of one period to that of the next."""
    return _steps(
        [
            (before, comparison.first_shown, True),
            *((one.name, one.amount, False) for one in comparison.steps),
            (now, comparison.now.after_spend, True),
        ]
    )


def _steps(steps: list[tuple[str, Decimal, bool]]) -> Spec:
    values, at = [], Decimal(0)
    for name, amount, is_total in steps:
        start = Decimal(0) if is_total else at
        at = start + amount
        kind = "total" if is_total else "gain" if amount >= 0 else "loss"
        label = with_minus(f"{amount:,.0f}" if is_total else f"{amount:+,.0f}")
        values.append({"name": name, "from": float(start), "to": float(at), "amount": float(amount), "label": label,
                       "kind": kind})  # fmt: skip
    order = [name for name, *_ in steps]
    base = alt.Chart(alt.Data(values=values)).encode(y=alt.Y("name:N", sort=order, axis=alt.Axis(title=None)))
    bars = base.mark_bar(height={"band": 0.62}).encode(
        x=alt.X("from:Q", axis=_MONEY_AXIS), x2="to:Q",
        color=alt.Color("kind:N", scale=alt.Scale(domain=_TYPES, range="ordinal"), legend=None),
        tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("amount:Q", format=",.2f", title="Amount")],
    )  # fmt: skip
    labels = base.transform_calculate(end="max(datum.from, datum.to)").mark_text(align="left", dx=5).encode(
        x="end:Q", text="label:N"
    )  # fmt: skip
    return _spec((bars + labels).properties(width="container", height=30 * len(steps)))


def trend(days: list[Row], first_running: str) -> Spec:
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
        x=alt.X("date:T", axis=alt.Axis(title=None, format="%d %b", tickCount=8)),
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


def _bands(days: list[Row]) -> list[Spec]:
    bands: list[Spec] = []
    for row in days:
        day = f"{row['date']:%Y-%m-%d}"
        if row["state"] == "final":
            continue
        if bands and bands[-1]["state"] == row["state"]:
            bands[-1]["to"] = day
        else:
            bands.append({"state": row["state"], "from": bands[-1]["to"] if bands else day, "to": day})
    return bands


def span(models: Table) -> Spec:
    """Each channel's margin under every model, and the range between the least and the most."""
    names = [column for column in models.columns if column.key not in ("name", "spend", "low", "high", "span")]
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
