"""What happens in the shop: nothing in that of tests and benchmarks, a story worth reading in that of the demo."""

from __future__ import annotations

from datetime import date, timedelta

from operations.sample_shop import world
from operations.sample_shop.world import Campaign

TIRED, CLUB = "23850000000000101", "nl-club"  # the campaign that wears out, and the one of the promotion
_PROMOTION = range(10, 17)  # days of the month
_NEWEST = "jp"
_SHARES = {"eu": 5, "us": 4, "jp": 2}
# How much more readily visitors by a campaign buy, and what a click costs instead.
_PULL = {"": 1.6, "17654321001": 2.7, "17654321002": 1.6, "17654321003": 2.1, "17654321004": 2.2,
         "23850000000000102": 2.7, "nl-weekly": 1.8, CLUB: 2.2}  # fmt: skip
_CLICK = {"17654321001": 100, "17654321002": 340, "17654321003": 200, "17654321004": 330, "23850000000000102": 190,
          "nl-weekly": 80, CLUB: 80}  # fmt: skip


class Plot:
    """Nothing happens: any day is like any other, and visitors buy as readily by whatever way they came."""

    campaigns: tuple[Campaign, ...] = world.CAMPAIGNS
    brevity = 0.45  # of visits; the higher, the fewer pages

    def opens_on(self, region: str) -> date:
        """The day on which the shop begins to sell in a region."""
        return date.min

    def region_share(self, region: str) -> int:
        """How many of all records are the region's, beside the others'."""
        return 1

    def day_share(self, day: date) -> int:
        """How many of a region's records are the day's, beside the other days'."""
        return 1

    def weight(self, campaign: Campaign, day: date) -> float:
        """How often a click is on this campaign, beside the others; 0 on days on which it does not run."""
        return campaign.weight

    def pull(self, campaign_id: str, day: date) -> float:
        """By what the chance is multiplied that a visit by way of a campaign ('' for none) ends with an order."""
        return 1.0

    def click_cost(self, campaign: Campaign, day: date) -> float:
        """What a click costs, in minor units of a two-decimal currency."""
        return campaign.cost

    def price(self, day: date) -> float:
        """By what prices are multiplied."""
        return 1.0

    def regret(self, day: date) -> float:
        """By what the chance is multiplied that an order of the day is refunded or cancelled."""
        return 1.0


class Story(Plot):
    """Three months, the last of them running: in the second a market opens, a promotion is held, and a campaign tires.

    The promotion sells at a fifth less, and more comes back of it. One campaign for new customers starts well; from the
    second month on its audience has seen it, so that fewer buy and clicks become dearer.
    """

    campaigns = (
        *(one for one in world.CAMPAIGNS if one.id != "nl-spring"),
        Campaign("newsletter", CLUB, "Club Week 20% off", "newsletter", "email", 0, 40),
    )
    brevity = 0.9

    def __init__(self, until: date) -> None:
        """Lay the story out so that its second month is the last full one before, or with, the day `until`."""
        running = (until + timedelta(1)).replace(day=1)
        self.second = (running - timedelta(1)).replace(day=1)
        self.first = (self.second - timedelta(1)).replace(day=1)
        self.until = until

    @property
    def days(self) -> int:
        """How many days the story takes, up to its last one."""
        return (self.until - self.first).days + 1

    def opens_on(self, region: str) -> date:
        return self.second if region == _NEWEST else date.min

    def region_share(self, region: str) -> int:
        return _SHARES[region]

    def day_share(self, day: date) -> int:
        return 3 if self._is_promotion(day) else 2

    def weight(self, campaign: Campaign, day: date) -> float:
        if campaign.id == CLUB:
            return 30 if self._is_promotion(day) else 0
        return campaign.weight

    def pull(self, campaign_id: str, day: date) -> float:
        pull = 3.4 - 2.6 * self._tiredness(day) if campaign_id == TIRED else _PULL[campaign_id]
        return pull * (1.5 if self._is_promotion(day) else 1.0)

    def click_cost(self, campaign: Campaign, day: date) -> float:
        cost = _CLICK.get(campaign.id, campaign.cost)
        return cost * (1.3 + 0.4 * self._tiredness(day)) if campaign.id == TIRED else cost

    def price(self, day: date) -> float:
        return 0.8 if self._is_promotion(day) else 1.0

    def regret(self, day: date) -> float:
        return 2.0 if self._is_promotion(day) else 1.0

    def _is_promotion(self, day: date) -> bool:
        return day.replace(day=1) == self.second and day.day in _PROMOTION

    def _tiredness(self, day: date) -> float:
        """0 in the first month, 1 two weeks into the second."""
        return min(max((day - self.second).days / 14, 0.0), 1.0)
