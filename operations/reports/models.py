"""The same month under every model: how much of a channel's margin is a matter of the model."""

from __future__ import annotations

from decimal import Decimal

from operations.reports.cohorts import ALL
from operations.reports.marts import Marts, Row
from operations.reports.period import Period
from operations.reports.tables import Column, Table

NAMES = {
    "first_touch": "First touch", "last_touch": "Last touch", "last_non_direct": "Last non-direct",
    "linear": "Linear", "position_based": "Position-based", "time_decay": "Time decay", "markov": "Markov",
    "shapley": "Shapley", "counterfactual": "Counterfactual",
}  # fmt: skip

# The columns that are of no one model.
OF_ALL_MODELS = ("name", "spend", "low", "high", "span")


def models(marts: Marts, period: Period) -> Table:
    """A row for each channel: its margin under each model, the least, the most, and the span between them."""
    rows = marts.rows(
        """select channel, attribution_model as model, sum(margin) as margin, sum(spend) as spend
        from finance.romi_monthly where month = $month group by all order by channel, model""",
        month=period.month,
    )
    known = sorted({row["model"] for row in rows}, key=lambda one: [*NAMES, one].index(one))
    by_channel: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_channel.setdefault(row["channel"], {})[row["model"]] = row
    columns = (
        Column("name", "Channel", "text"),
        Column("spend", "Spend"),
        *(Column(model, NAMES.get(model, model)) for model in known),
        Column("low", "Least"),
        Column("high", "Most"),
        Column("span", "Span", note="Most less least: what depends on the choice of the model."),
    )
    found = [_channel(name, cells, known) for name, cells in by_channel.items()]
    found.sort(key=lambda row: (-row["span"], row["name"]))
    whole = {model: sum((row[model] for row in found), Decimal("0.00")) for model in known}
    spend = sum((row["spend"] for row in found), Decimal("0.00"))
    return Table("models", "Models side by side", columns, found, _with_span(ALL, spend, whole))


def _channel(name: str, cells: dict[str, Row], models: list[str]) -> Row:
    margins = {model: cells[model]["margin"] if model in cells else Decimal("0.00") for model in models}
    return _with_span(name, max(one["spend"] for one in cells.values()), margins)


def _with_span(name: str, spend: Decimal, margins: dict[str, Decimal]) -> Row:
    low, high = min(margins.values(), default=Decimal(0)), max(margins.values(), default=Decimal(0))
    return {"name": name, "spend": spend, **margins, "low": low, "high": high, "span": high - low}
