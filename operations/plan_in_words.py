"""A plan for people: as lines for a terminal, and as Markdown for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from operations.planned import Moved, Plan

_SHOWN = 40  # rows of a comment; the rest is counted
_MEASURES = ("spend", "revenue", "refunds", "cogs", "margin")


@dataclass(frozen=True)
class Row:
    """Cells that move alike under several attribution models."""

    moved: Moved
    models: tuple[str, ...]

    @property
    def weight(self) -> int:
        return max(map(abs, self.moved.cents.values()))


def amount(cents: int) -> str:
    """Cents with their sign, such as ``+1,234.05``; nothing for none."""
    sign = "-" if cents < 0 else "+"
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02}" if cents else ""


def rows(moved: Sequence[Moved]) -> list[Row]:
    """The cells, those that move alike under several models as one, in the order in which they came."""
    groups: dict[tuple[object, ...], list[Moved]] = {}
    for one in moved:
        key = (one.table, one.month, one.region, one.channel, tuple(one.cents.items()), one.why)
        groups.setdefault(key, []).append(one)
    return [Row(group[0], tuple(one.attribution_model for one in group)) for group in groups.values()]


def headline(plan: Plan) -> str:
    """What moves, in one line."""
    if plan.failures:
        return f"The next run would fail: {'; '.join(plan.failures)}"
    if not plan.restatements and not plan.adjustments:
        return "Nothing published changes."
    tables = sorted({one["table"] for one in plan.restatements})
    months = sorted({f"{one['date']:%Y-%m}" for one in plan.restatements})
    moves = f"{len(plan.restatements):,} days or months of {', '.join(tables)} change, in {_named(months)}."
    closed = sorted({f"{one['closed_month']:%Y-%m}" for one in plan.adjustments})
    adjusts = f" {_named(closed)} {'is' if len(closed) == 1 else 'are'} closed and would be adjusted." if closed else ""
    return (moves if plan.restatements else "No open month changes.") + adjusts


def lines(plan: Plan) -> list[str]:
    """What moves, a line for each month, region, channel and table, and what would be withheld."""
    cells: dict[tuple[str, ...], list[Moved]] = {}
    for one in plan.moved:
        cells.setdefault((f"{one.month} {one.region} {one.table}, {one.channel}", one.why), []).append(one)
    told = [f"{place}{_models(cell)}: {', '.join(_amounts(cell))}; {why}" for (place, why), cell in cells.items()]
    for booked in plan.adjustments:
        amounts = ", ".join(f"{name} {amount(int(100 * booked[name]))}" for name in _MEASURES if booked.get(name))
        told.append(f"{booked['closed_month']:%Y-%m} {booked['region']} is closed; {booked['table']} is adjusted by"
                    f" {amounts or 'counts alone'}; {booked['why']}")  # fmt: skip
    told += [
        f"{region} {day} would be withheld: {why}"
        for region, days in plan.withheld.items()
        for day, why in days.items()
    ]
    return told


def _models(cell: Sequence[Moved]) -> str:
    names = [one.attribution_model for one in cell]
    if len(names) > 1:
        return f" ({len(names)} models)"
    return "" if names == ["(all)"] else f" ({names[0]})"


def _amounts(cell: Sequence[Moved]) -> Iterator[str]:
    """Of each measure the least and the most that it moves by under any model."""
    for name in dict.fromkeys(name for one in cell for name in one.cents):
        known = [one.cents.get(name, 0) for one in cell]
        least, most = (amount(one) or "0.00" for one in (min(known), max(known)))
        yield f"{name} {least}" if least == most else f"{name} {least} to {most}"


def as_markdown(plan: Plan) -> str:
    """A comment for a pull request: the headline, what moves most, closed months, and what would be withheld."""
    text = ["### What this changes in the published figures", "", headline(plan)]
    if shown := rows(plan.moved):
        text += [
            "",
            *_table(("table", "month", "region", "channel", "model", *_MEASURES, "why"), map(_cells, _most(shown))),
        ]
        if len(shown) > _SHOWN:
            text += ["", f"{len(shown) - _SHOWN:,} smaller rows are left out; `romi plan --json` has all."]
    if plan.adjustments:
        header = ("closed month", "region", "table", "model", *_MEASURES, "why")
        text += ["", "**Closed months** stay as they are; these adjustments would be booked for them:", ""]
        text += _table(header, map(_adjusted, plan.adjustments))
    held = [f"{region} {day} ({why})" for region, days in plan.withheld.items() for day, why in days.items()]
    if held:
        text += ["", f"**Withheld:** {len(held):,} days would be, the first of them {_plain(held[0])}."]
    if plan.new_days:
        named = ", ".join(f"{count:,} of {region}" for region, count in plan.new_days.items())
        text += ["", f"New days, which are not restatements: {named}."]
    return "\n".join(text) + "\n"


def _adjusted(one: dict[str, Any]) -> tuple[str, ...]:
    amounts = (amount(int(100 * (one[name] or 0))) for name in _MEASURES)
    month = f"{one['closed_month']:%Y-%m}"
    return (month, one["region"], one["table"], one["attribution_model"], *amounts, one["why"])


def _most(shown: Sequence[Row]) -> list[Row]:
    kept = sorted(shown, key=lambda row: -row.weight)[:_SHOWN]
    return [row for row in shown if row in kept]


def _cells(row: Row) -> tuple[str, ...]:
    one = row.moved
    amounts = (amount(one.cents.get(name, 0)) for name in _MEASURES)
    return (one.table, one.month, one.region, one.channel, ", ".join(row.models), *amounts, one.why)


def _table(header: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    line = "| {} |".format
    aligned = ["---:" if name in _MEASURES else "---" for name in header]
    return [line(" | ".join(header)), line(" | ".join(aligned)), *(line(" | ".join(map(_plain, row))) for row in body)]


def _plain(text: str) -> str:
    """Whatever a channel is called, it stays within its cell and is no markup."""
    return "".join(f"\\{one}" if one in "\\|`*_<>[]!#@~" else one if one.isprintable() else " " for one in text)


def _named(months: Sequence[str]) -> str:
    return ", ".join(months) if len(months) <= 3 else f"{len(months)} months from {months[0]} to {months[-1]}"
