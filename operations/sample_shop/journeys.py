"""People, their visits and their orders, day by day."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

from operations.sample_shop import world
from operations.sample_shop.plots import Plot
from operations.sample_shop.records import HOUR, SECOND, Order, Record, stamp, uuid
from operations.sample_shop.session import Device, Person, Session
from operations.sample_shop.world import MARKETS, Campaign

LONGEST_VISIT = 18  # records; a visit with an order needs up to this many
_POOL = 40_000  # people who may come back, so that memory stays bounded


class Shop:
    """One region's shop; `day` goes forward through time and gives the records of each day."""

    def __init__(self, region: str, rng: random.Random, plot: Plot) -> None:
        self.region, self.market, self.rng, self.plot = region, MARKETS[region], rng, plot
        self.people: list[Person] = []
        self.clicks: Counter[tuple[date, str]] = Counter()
        self.new_orders: list[Order] = []
        self._records: list[Record] = []
        self._person_count = self._order_count = 0
        self.today = date.min
        self._weights = [[row[1] for row in world.TRAFFIC], [row[2] for row in world.TRAFFIC]]
        self._campaign_weights: list[float] = []
        self.url = f"https://{self.market.host}"

    def day(self, day: date, count: int) -> list[Record]:
        """Exactly `count` records of visits and their orders; the orders are in `new_orders` as well."""
        self.today, self._records, self.new_orders = day, [], []
        self._campaign_weights = [self.plot.weight(one, day) for one in self.plot.campaigns]
        while (left := count - len(self._records)) > 0:
            self._visit(left)
        return self._records

    def order_event(self, event: str, order: Order, day: date, at: int, properties: str) -> Record:
        """A commerce track as the shop's server sends it."""
        line = (
            f'{{"messageId":"{uuid(self.rng)}","type":"track","event":"{event}",{order.head},'
            f'"timestamp":"{stamp(day, at)}","receivedAt":"{stamp(day, at + SECOND)}","context":{{{order.tail}}},'
            f'"properties":{{"order_id":"{order.order_id}"{properties}}}}}'
        )
        return Record(at + SECOND, "orders", order.partition, line, "loaded" if order.allows else "anonymised")

    def _visit(self, limit: int) -> None:
        rng = self.rng
        person = self._somebody()
        device = self._device(person)
        hour = rng.choice(world.HOURS) - self.market.utc_hours
        at = hour % 24 * HOUR + int(rng.random() * HOUR)
        at = min(at, 22 * HOUR)  # a visit ends on the day it began
        wants = 0.03 if person.visits == 0 else 0.07 if person.orders == 0 else 0.1
        luck = rng.random() if limit >= LONGEST_VISIT else 1.0
        person.visits += 1
        session = Session(self, person, device, at, limit)
        session.browse(1 + min(int(rng.expovariate(self.plot.brevity)), 5))
        if luck < wants * self.plot.pull(session.campaign_id, self.today):
            person.orders += 1
            session.buy()

    def _somebody(self) -> Person:
        rng, people = self.rng, self.people
        if len(people) >= 20 and rng.random() < 0.55:
            return people[len(people) - 1 - int(len(people) * rng.random() ** 2)]
        if len(people) >= _POOL:
            del people[: _POOL // 2]
        self._person_count += 1
        consent, allows = self._consent()
        ip = f"{rng.choice(world.NETWORKS)}.{rng.randrange(1, 255)}"
        devices = [Device(uuid(rng), rng.choice(world.USER_AGENTS))]
        people.append(Person(self._person_count, devices, ip, consent, allows, rng.random() < 0.4))
        return people[-1]

    def _consent(self) -> tuple[str, bool]:
        if not self.market.asks_consent:
            return "", self.market.consent_default == "granted"
        share = self.rng.random()
        if share < 0.07:
            return "", self.market.consent_default == "granted"
        analytics = share >= 0.32
        advertising = share >= 0.42
        choices = f'"Analytics":{str(analytics).lower()},"Advertising":{str(advertising).lower()}'
        return f',"consent":{{"categoryPreferences":{{{choices}}}}}', analytics

    def _device(self, person: Person) -> Device:
        if person.has_account and person.visits and self.rng.random() < 0.2:
            if len(person.devices) == 1:
                person.devices.append(Device(uuid(self.rng), self.rng.choice(world.USER_AGENTS)))
            return person.devices[1]
        return person.devices[0]

    def new_order(self, person: Person, head: str, tail: str, at: int) -> Order:
        rng, market = self.rng, self.market
        self._order_count += 1
        currency, _, price = rng.choices(market.currencies, [share for _, share, _ in market.currencies])[0]
        revenue = max(int(price * self.plot.price(self.today) * rng.lognormvariate(0, 0.6)), 300)
        order = Order(
            f"{self.region.upper()}-{1_000_000 + self._order_count}",
            self.today,
            at,
            currency,
            revenue,
            revenue * market.tax_percent // 100,
            0 if revenue > price else market.shipping,
            head,
            tail,
            person.allows,
            person.number % 2,
        )
        self.new_orders.append(order)
        return order

    def source(self, is_return: bool) -> tuple[str, str, str, str]:
        """Where a visit comes from: (referrer, query of the landing page, JSON of context.campaign, campaign's id)."""
        rng = self.rng
        kind = rng.choices(world.TRAFFIC, self._weights[is_return])[0][0]
        if kind != "campaign":
            referrer, query = rng.choice(kind)
            return referrer, query, "", ""
        campaign = rng.choices(self.plot.campaigns, self._campaign_weights)[0]
        self.clicks[self.today, campaign.id] += 1
        return world.CLICK_REFERRERS[campaign.platform], *self._tags(campaign), campaign.id

    def _tags(self, campaign: Campaign) -> tuple[str, str]:
        """(query, context.campaign): tagged both ways, in the URL only, or by nothing but a click id."""
        style = self.rng.random()
        click = world.CLICK_IDS.get(campaign.platform)
        click_id = f"{click}={self.rng.getrandbits(64):016x}" if click else ""
        if style < 0.12 and click:
            return click_id, ""
        if style < 0.45:
            by_id = f"&utm_id={campaign.id}" if style < 0.3 else ""
            return f"{campaign.utm}{by_id}&{click_id}".rstrip("&"), ""
        name = campaign.name.lower() if style < 0.6 else campaign.name
        by_id = f',"id":"{campaign.id}"' if style > 0.8 else ""
        tags = f'"source":"{campaign.source}","medium":"{campaign.medium}","name":"{name}"{by_id}'
        return campaign.utm, f'"campaign":{{{tags}}},'

    def add(self, record: Record) -> None:
        self._records.append(record)
