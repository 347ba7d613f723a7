"""The first screen: four questions, a figure for each, and a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from operations.reports.bridge import Step, Totals
from operations.reports.comparison import Comparison
from operations.reports.marts import Marts, Row, ratio, return_on
from operations.reports.period import Period, month_name
from operations.reports.tables import Table
from operations.reports.unknown import without_a_name
from operations.reports.what_changed import booked
from operations.reports.words import change, money, share

_CAUSES = {
    "Restated": "corrections of the earlier period", "Volume": "the number of orders", "Mix": "the mix of regions",
    "Price": "the size of the average order, before cost of goods", "Refunds": "refunds",
    "Cost of goods": "the cost of goods per order",
    "Spend": "advertising spend", "Currency": "exchange rates",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A question of the first screen."""

    name: str
    question: str
    figure: str
    words: str


def answers(
    marts: Marts, period: Period, whole: Totals, comparison: Comparison | None, channels: Table
) -> tuple[Answer, ...]:
    """What was spent, what came back, whether that is more or less and why, and what cannot be known."""
    return (
        Answer("spend", "What did we spend?", money(whole.spend, marts.currency),
               _spent(marts, period, whole, comparison, channels)),
        Answer("return", "What came back?", money(whole.margin, marts.currency),
               _came_back(marts, whole, channels)),
        _moved(marts, period, comparison),
        _unknown(marts, period),
    )  # fmt: skip


def _spent(marts: Marts, period: Period, whole: Totals, comparison: Comparison | None, channels: Table) -> str:
    said = [f"on advertising in {_so_far(period)}"]
    if comparison and comparison.before.spend:
        moved = ratio(comparison.now.spend - comparison.before.spend, comparison.before.spend) or 0.0
        said.append(f"{share(abs(moved), 1)} {'more' if moved >= 0 else 'less'} than {_earlier(period)}")
    sentence = ", ".join(said)
    named = [row for row in channels.rows if row["spend"] and not str(row["name"]).startswith("(")]
    if whole.spend and named:
        part = share(ratio(named[0]["spend"], whole.spend))
        sentence += f". {named[0]['name']} cost the most: {part} of it"
    return f"{sentence}.{_lost(marts, channels)}"


def _lost(marts: Marts, channels: Table) -> str:
    """The named campaigns that brought less than they cost, the worst two by name."""
    lost = sorted(
        (one for campaigns in channels.children.values() for one in campaigns
         if one["spend"] and one["after_spend"] < 0 and not str(one["name"]).startswith("(")),
        key=lambda one: one["after_spend"],
    )  # fmt: skip
    if not lost:
        return ""
    said = " and ".join(f"{one['name']} ({money(one['after_spend'], marts.currency)})" for one in lost[:2])
    more = f", and {len(lost) - 2} more" if len(lost) > 2 else ""
    return f" Campaigns that cost more than they brought: {said}{more}."


def _came_back(marts: Marts, whole: Totals, channels: Table) -> str:
    sentence = (
        f"of margin, from {money(whole.net_revenue, marts.currency)} of net revenue in {whole.orders:,}"
        f" order{'s' * (whole.orders != 1)}, whatever brought them"
    )
    romi = return_on(whole.margin, whole.spend)
    if romi is None:
        return f"{sentence}. Nothing was spent, so there is no return on it."
    each = money(whole.margin / whole.spend, marts.currency)
    kept = money(whole.after_spend, marts.currency)
    one = money(Decimal(1), marts.currency)
    return (
        f"{sentence}. That is {each} of margin for each {one} spent (ROMI {share(romi)}); {kept} is left after it."
        f"{_of_paid(marts, channels)}"
    )


def _of_paid(marts: Marts, channels: Table) -> str:
    """What the channels that cost money are credited with, which is the return on that money alone."""
    paid = [row for row in channels.rows if row["spend"]]
    spend, margin = (sum((row[name] for row in paid), Decimal(0)) for name in ("spend", "margin"))
    if (romi := return_on(margin, spend)) is None or len(paid) == len(channels.rows):
        return ""
    return f" Channels with spend are credited with {money(margin, marts.currency)} of it: ROMI {share(romi)} on them."


def _moved(marts: Marts, period: Period, comparison: Comparison | None) -> Answer:
    question = "More or less than last month, and why?"
    if comparison is None:
        said = f"Too little is known about the month before {period.name} to compare with it."
        return Answer("change", question, "Not known", f"{said}{_adjustments(marts, period)}")
    moved = comparison.moved
    sentence = f"in margin after spend, compared with {_earlier(period)}"
    if not period.is_whole:
        sentence = f"{sentence}, day for day ({period.compared_name})"
    said = (
        f"{sentence}.{_regions(period, comparison, marts.currency)}{why_it_moved(comparison.steps, marts.currency)}"
        f"{_returns(comparison)}{_adjustments(marts, period)}"
    )
    return Answer("change", question, change(moved, marts.currency), said)


def _regions(period: Period, comparison: Comparison, currency: str) -> str:
    """The regions of one of the two periods alone, since what they moved is not for marketing to explain."""
    changes = [
        *((region, amount, period.before_name) for region, amount in comparison.joined.items()),
        *((region, -amount, period.compared_name) for region, amount in comparison.left.items()),
    ]
    return "".join(
        f" Region {region}, which has nothing in {absent}, accounts for {change(amount, currency)} of it."
        for region, amount, absent in sorted(changes, key=lambda one: (-abs(one[1]), one[0]))[:2]
    )


def _adjustments(marts: Marts, period: Period) -> str:
    """What is booked in the month of months that are closed, and none of the month's own figures."""
    later = booked(marts, period)
    if later is None:
        return ""
    months = " and ".join(dict.fromkeys(month_name(row["closed_month"]) for row in later.rows))
    amount = change(later.total["after_spend"], marts.currency) if later.total else ""
    return f" Not in it: {amount} that is booked in {period.name} for what has changed since of {months} (closed)."


def _returns(comparison: Comparison) -> str:
    was, is_ = (return_on(one.margin, one.spend) for one in (comparison.before, comparison.now))
    if was is None or is_ is None or share(was) == share(is_):
        return ""
    return f" ROMI {'rose' if is_ > was else 'fell'} from {share(was)} to {share(is_)}."


def why_it_moved(steps: Sequence[Step], currency: str) -> str:
    """The two causes that moved it most, whichever way; nothing where none did."""
    by_size = sorted(steps, key=lambda one: -abs(one.amount))
    said = [
        f"{_CAUSES[one.name]} ({change(one.amount, currency)}{_taken_back(one, by_size[2:], currency)})"
        for one in by_size[:2] if one.amount
    ]  # fmt: skip
    return f" What moved it most: {', then '.join(said)}." if said else ""


def _taken_back(step: Step, unnamed: Sequence[Step], currency: str) -> str:
    """A smaller order also costs less to make: what of the one step the other, which is not named, takes back."""
    other = {"Price": "Cost of goods", "Cost of goods": "Price"}.get(step.name)
    amount = sum((one.amount for one in unnamed if one.name == other), Decimal(0))
    if amount * step.amount >= 0:
        return ""
    what = "cost of goods" if step.name == "Price" else "the size of the average order"
    return f", of which {what} takes back {money(min(abs(amount), abs(step.amount)), currency)}"


def _unknown(marts: Marts, period: Period) -> Answer:
    nameless, net = without_a_name(marts, period)
    part = ratio(nameless, net)
    of_it = f" ({share(part)} of it)" if part is not None else ""
    sentence = f"of net revenue{of_it} is not credited to any named channel"
    waiting = _not_final(marts, period)
    return Answer("unknown", "What cannot be known?", money(nameless, marts.currency), f"{sentence}. {waiting}")


def _not_final(marts: Marts, period: Period) -> str:
    row: Row = marts.row(
        """select count(distinct date) as days, count(distinct date) filter (where not is_final) as not_final
        from finance.romi_daily where date between $first and $last""",
        first=period.month, last=period.last,
    )  # fmt: skip
    withheld = marts.one("select coalesce(sum(withheld_days), 0)::bigint from meta.versions")
    held = f" {withheld} region-day{'s are' if withheld != 1 else ' is'} withheld." if withheld else ""
    if not row["not_final"]:
        return f"All days of {period.name} are final.{held}"
    if row["not_final"] == row["days"]:
        return f"No day of {period.name} is final yet: late data may still change all of it.{held}"
    return f"{row['not_final']} of its {row['days']} days are not final, so late data may still change them.{held}"


def _so_far(period: Period) -> str:
    return f"{period.name} so far (to day {period.last.day})" if period.is_running else period.name


def _earlier(period: Period) -> str:
    return period.before_name
