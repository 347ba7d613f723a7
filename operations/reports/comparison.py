"""A period beside the one before it, with what moved the margin between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from operations.reports import sums
from operations.reports.bridge import Step, Totals, bridge, total
from operations.reports.marts import Marts
from operations.reports.period import Period


@dataclass(frozen=True)
class Comparison:
    """The two periods that are compared, and the steps from one's margin after spend to the other's."""

    before: Totals
    now: Totals
    steps: tuple[Step, ...]
    joined: dict[str, Decimal] = field(default_factory=dict)  # margin after spend of regions with nothing earlier
    left: dict[str, Decimal] = field(default_factory=dict)  # earlier, of regions that have nothing now

    @property
    def first_shown(self) -> Decimal:
        """The earlier period's margin after spend as it was first shown."""
        return self.before.after_spend - self.steps[0].amount

    @property
    def moved(self) -> Decimal:
        return self.now.after_spend - self.first_shown


def compare(marts: Marts, period: Period) -> Comparison | None:
    """The period and the one before it, with the steps between; None where too little is known of the earlier one."""
    if period.before is None or period.compared is None:
        return None
    before, now = sums.by_region(marts, *period.before), sums.by_region(marts, *period.compared)
    restated = sums.restated(marts, *period.before)
    steps = bridge(before, now, restated, sums.currency_effect(marts, period))
    return Comparison(total(before), total(now), steps, _only_in(now, before), _only_in(before, now))


def _only_in(here: dict[str, Totals], there: dict[str, Totals]) -> dict[str, Decimal]:
    return {region: one.after_spend for region, one in here.items() if region not in there}
