"""Channels and their campaigns in a month: what they cost and what they brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from operations.reports.cohorts import ALL, paid_back
from operations.reports.marts import MODEL, Marts, Row
from operations.reports.period import Period
from operations.reports.tables import Column, Ratio, Table, summed, with_ratios
from operations.reports.unknown import OTHER

_Place = tuple[str | None, str | None]  # a channel and a campaign; None: all of them
_ROMI = Ratio("margin", "spend", minus="spend")
_ROAS = Ratio("net_revenue", "spend")
MONEY = (
    Column("spend", "Spend", note="What the advertising cost."),
    Column("revenue", "Revenue", note="Gross, before refunds, without tax and shipping."),
    Column("refunds", "Refunds"),
    Column("net_revenue", "Net revenue", note="Revenue less refunds."),
    Column("cogs", "Cost of goods"),
    Column("margin", "Margin", note="Net revenue less the cost of goods."),
    Column("after_spend", "Margin after spend", note="Margin less spend: what is left."),
    Column("romi", "ROMI", "share", _ROMI, "(Margin - spend) / spend: 0% is where the advertising pays for itself."),
    Column("roas", "ROAS", "times", _ROAS, "Net revenue for each unit of spend."),
)
# What the page shows of it; the workbook has all.
_IN_FULL_ONLY = ("revenue", "refunds", "cogs")
BRIEF = tuple(one for one in MONEY if one.key not in _IN_FULL_ONLY)
_MOVED = Column("moved", "Against the month before", note="Margin after spend less that of the month before.")
_CAC = (
    Column("new_spend", "Spend on new customers"),
    Column("new_orders", "First orders", "orders"),
    Column(
        "cac",
        "CAC",
        "money",
        Ratio("new_spend", "new_orders"),
        "Spend on new customers for each first order, in named channels with cost.",
    ),
)
_PAYBACK = Column(
    "payback",
    "Paid back",
    "share",
    note="How much of the cost to win new buyers is earned back so far, in named channels with cost.",
)
ON_BUYERS = (_CAC[-1], _PAYBACK)
_FEW = 40  # campaigns of a channel that the page lists; the rest stand in one row


def channels(marts: Marts, period: Period) -> Table:
    """A row for each channel of the month, all regions together, with its campaigns below it."""
    rows = marts.rows(
        f"""select channel, campaign, {_sums()}, sum(margin) - sum(spend) as after_spend,
            bool_and(is_final) as is_final
        from finance.romi_monthly where month = $month and attribution_model = $model
        group by channel, campaign order by sum(spend) desc, sum(net_revenue) desc, channel, campaign""",
        month=period.month, model=MODEL,
    )  # fmt: skip
    columns = (Column("name", "Channel", "text"), *MONEY)
    by_channel: dict[str, list[Row]] = {}
    for row in rows:
        by_channel.setdefault(row["channel"], []).append(with_ratios({**row, "name": row["campaign"]}, columns))
    found = [(summed(campaigns, columns, name), campaigns) for name, campaigns in by_channel.items()]
    found.sort(key=lambda one: (-one[0]["spend"], -one[0]["net_revenue"], one[0]["name"]))
    new, back, earlier = _new(marts, period.month), paid_back(marts, period), _earlier(marts, period)
    shown = []
    for row, campaigns in found:
        extra = {"payback": back.get(row["name"]), "moved": _moved(row, earlier, (row["name"], None))}
        for one in campaigns:
            one["moved"] = _moved(one, earlier, (one["channel"], one["name"]))
        shown.append(({**_with_cac(row, new), **extra}, campaigns))
    whole = summed([row for row, _ in shown], columns, ALL)
    whole = {**_with_cac(whole, new), "payback": back.get(ALL), "moved": _moved(whole, earlier, (None, None))}
    extra_columns = (*((_MOVED,) if earlier else ()), *(_CAC[-1:] if new else ()), *((_PAYBACK,) if back else ()))
    return Table(
        "channels", "Channels and campaigns", (*columns, *extra_columns), [row for row, _ in shown], whole,
        _of_buyers(shown), children={n: _few(campaigns, columns) for n, (_, campaigns) in enumerate(shown)},
    )  # fmt: skip


def _of_buyers(shown: list[tuple[Row, list[Row]]]) -> tuple[str, ...]:
    """What the last row's CAC and payback are of, since they are not of all channels."""
    named = [str(row["name"]) for row, _ in shown if row["cac"] is not None or row["payback"] is not None]
    if not named or len(named) == len(shown):
        return ()
    few = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
    return (
        f"CAC and paid back are those of {few} alone, in the last row too: the other channels cost nothing, or too few"
        " new buyers are behind them.",
    )


def _earlier(marts: Marts, period: Period) -> dict[_Place, Decimal]:
    """The margin after spend of the month before by channel and campaign, by channel and of all; empty without one."""
    if not period.is_whole:
        return {}
    rows = marts.rows(
        """select channel, campaign, sum(margin) - sum(spend) as after_spend from finance.romi_monthly
        where month = $month and attribution_model = $model
        group by grouping sets ((channel, campaign), (channel), ())""",
        month=period.month_before, model=MODEL,
    )  # fmt: skip
    return {(row["channel"], row["campaign"]): row["after_spend"] for row in rows}


def _moved(row: Row, earlier: dict[_Place, Decimal], place: _Place) -> Decimal | None:
    return row["after_spend"] - earlier.get(place, Decimal(0)) if earlier else None


def brief(table: Table) -> Table:
    """The columns that the page has room for; the workbook has all."""
    return replace(table, columns=tuple(one for one in table.columns if one.key not in _IN_FULL_ONLY))


def campaigns_by_region(marts: Marts, month: date) -> Table:
    """Every row of the month as it is published, under the model of the report; for the workbook."""
    rows = marts.rows(
        f"""select region, channel, campaign, {", ".join(_plain())}, margin - spend as after_spend, conversions,
            is_final
        from finance.romi_monthly where month = $month and attribution_model = $model
        order by region, channel, campaign""",
        month=month, model=MODEL,
    )  # fmt: skip
    columns = (
        *(Column(name, name.capitalize(), "text") for name in ("region", "channel", "campaign")),
        *MONEY, Column("conversions", "Orders credited", "orders"),
        Column("cpa", "Cost per order", "money", Ratio("spend", "conversions")),
        Column("is_final", "Whole month final", "flag"),
    )  # fmt: skip
    return Table("campaigns", "Campaigns", columns, [with_ratios(row, columns) for row in rows],
                 total=summed(rows, columns, "Total"))  # fmt: skip


def regions(marts: Marts, period: Period) -> Table:
    """A row for each region of the month, whose totals are the same under every model."""
    rows = marts.rows(
        f"""select region as name, {_sums()}, sum(margin) - sum(spend) as after_spend
        from finance.romi_monthly where month = $month and attribution_model = $model
        group by region order by region""",
        month=period.month, model=MODEL,
    )  # fmt: skip
    columns = (Column("name", "Region", "text"), *MONEY)
    return Table("regions", "Regions", columns, [with_ratios(row, columns) for row in rows],
                 total=summed(rows, columns, "All regions"))  # fmt: skip


def _plain() -> Iterable[str]:
    return (one.key for one in MONEY if not one.ratio and one.key != "after_spend")


def _sums() -> str:
    return ", ".join(f"sum({name}) as {name}" for name in _plain())


def _new(marts: Marts, month: date) -> dict[str, Row]:
    """What was spent on first orders, by channel; empty where the version does not say.

    Of named channels with cost alone: in (other) stand buyers whose cost stands elsewhere.
    """
    if not marts.has("finance.romi_by_segment", "spend"):
        return {}
    rows = marts.rows(
        """select channel, sum(spend) as new_spend, sum(conversions) as new_orders from finance.romi_by_segment
        where month = $month and attribution_model = $model and segment = 'new' and spend > 0 and channel != $other
        group by channel""",
        month=month, model=MODEL, other=OTHER,
    )  # fmt: skip
    return {row["channel"]: row for row in rows}


def _with_cac(row: Row, new: dict[str, Row]) -> Row:
    of_channel = [new[row["name"]]] if row["name"] in new else list(new.values()) if row["name"] == ALL else []
    if not of_channel:
        return {**row, **dict.fromkeys(("new_spend", "new_orders", "cac"))}
    sums = {name: sum((one[name] for one in of_channel), Decimal(0)) for name in ("new_spend", "new_orders")}
    return with_ratios({**row, **sums}, _CAC)


def _few(campaigns: list[Row], columns: tuple[Column, ...]) -> list[Row]:
    if len(campaigns) <= _FEW:
        return campaigns
    rest = campaigns[_FEW:]
    return [*campaigns[:_FEW], summed(rest, columns, f"{len(rest)} smaller campaigns together")]
