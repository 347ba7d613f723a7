"""One visit being written, as lines of JSON.

Lines are put together from fragments made once for each visit: json.dumps of whole events would take most of
the time. Nothing that goes into them needs escaping, which a test holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.sample_shop import world
from operations.sample_shop.records import Order, Record, money, stamp, uuid

if TYPE_CHECKING:
    from operations.sample_shop.journeys import Shop


@dataclass(slots=True)
class Device:
    anonymous_id: str
    user_agent: str
    is_known: bool = False


@dataclass(slots=True)
class Person:
    """`consent` is the JSON fragment that goes with their events, `allows` what it comes to."""

    number: int
    devices: list[Device]
    ip: str
    consent: str
    allows: bool
    has_account: bool
    visits: int = 0
    orders: int = 0


class Session:
    """One visit being written; each step adds its records while the limit lasts."""

    def __init__(self, shop: Shop, person: Person, device: Device, at: int, limit: int) -> None:
        self.shop, self.person, self.device, self.at, self.left = shop, person, device, at, limit
        self.fate = "loaded" if person.allows else "no_consent"
        self.day = shop.today
        self.referrer, self.query, self.campaign, self.campaign_id = shop.source(person.visits > 1)
        self.is_known = device.is_known and shop.rng.random() < 0.6
        self._fragments()

    def _fragments(self) -> None:
        person, device, region = self.person, self.device, self.shop.region
        self.user_id = f"{region}-user-{person.number}"
        name = f"{world.FIRST_NAMES[person.number % 8]} {world.LAST_NAMES[person.number % 6]}"
        self.traits = (
            f'"traits":{{"email":"sample.person.{person.number}@example.com","name":"{name}",'
            f'"phone":"+1-202-555-{100 + person.number % 100:04d}"}}'
        )
        user = f',"userId":"{self.user_id}"' if self.is_known else ""
        traits = f",{self.traits}" if self.is_known else ""
        self.head = f'"anonymousId":"{device.anonymous_id}"{user}'
        self.tail = f'"userAgent":"{device.user_agent}","ip":"{person.ip}"{person.consent}{traits}'

    def browse(self, pages: int) -> None:
        rng = self.shop.rng
        logs_in = self.person.has_account and not self.is_known and rng.random() < 0.4
        for number in range(pages):
            path, title = rng.choice(world.PAGES)
            self.page(path, title)
            if number == 0 and logs_in:
                self.log_in()
            elif path.startswith("/p/"):
                self.track("Product Viewed", f'"product_id":"{path[3:]}"')

    def buy(self) -> None:
        rng = self.shop.rng
        if not self.is_known and self.person.has_account:
            self.log_in()
        self.track("Product Added", '"product_id":"1001","quantity":1')
        self.page("/checkout", "Checkout")
        order = self.shop.new_order(self.person, self.head, self.tail, self.at)
        self.shop.add(self.shop.order_event("Order Completed", order, self.day, self.at, self._basket(order)))
        self.left -= 1
        if rng.random() < 0.3:
            self.referrer = "https://www.paypal.com/"
        self.page("/checkout/thanks", "Thank you")

    def _basket(self, order: Order) -> str:
        quote = '"' if self.shop.rng.random() < 0.2 else ""  # money as text is allowed too
        amounts = "".join(
            f',"{key}":{quote}{money(minor, order.currency)}{quote}'
            for key, minor in (("revenue", order.revenue), ("tax", order.tax), ("shipping", order.shipping))
        )
        price = money(order.revenue, order.currency)
        products = f'[{{"product_id":"1001","name":"Shoe 1001","price":{price},"quantity":1}}]'
        return f'{amounts},"discount":0,"currency":"{order.currency}","products":{products}'

    def page(self, path: str, title: str) -> None:
        url = f"{self.shop.url}{path}" + (f"?{self.query}" if self.query else "")
        context = f'{self.campaign}"page":{{"url":"{url}","referrer":"{self.referrer}","title":"{title}"}},{self.tail}'
        self._add(f'"type":"page","name":"{title}"', context, f'"path":"{path}","title":"{title}"')
        self.referrer, self.query, self.campaign = url, "", ""

    def track(self, event: str, properties: str) -> None:
        self._add(f'"type":"track","event":"{event}"', f'"page":{{"url":"{self.referrer}"}},{self.tail}', properties)

    def log_in(self) -> None:
        self.is_known = self.device.is_known = True
        self._fragments()
        self._add(f'"type":"identify",{self.traits}', self.tail, "")

    def _add(self, kind: str, context: str, properties: str) -> None:
        if self.left <= 0:
            return
        self.left -= 1
        rng, at = self.shop.rng, self.at
        line = (
            f'{{"messageId":"{uuid(rng)}",{kind},{self.head},"timestamp":"{stamp(self.day, at)}",'
            f'"receivedAt":"{stamp(self.day, at + 400)}","context":{{{context}}},"properties":{{{properties}}}}}'
        )
        self.shop.add(Record(at + 400, "web", self.person.number % 2, line, self.fate))
        self.at = at + 2_000 + int(rng.random() * 90_000)
