"""The shop's fixed facts: its regions, campaigns, sources of traffic, products, and its romi.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus


@dataclass(frozen=True)
class Market:
    """A region's shop; `currencies`: (code, share, typical order in minor units)."""

    timezone: str
    utc_hours: int
    host: str
    currencies: tuple[tuple[str, int, int], ...]
    tax_percent: int
    shipping: int
    asks_consent: bool
    consent_default: str
    margin_rate: str


MARKETS = {
    "eu": Market(
        timezone="Europe/Berlin",
        utc_hours=1,
        host="www.shop.example",
        currencies=(("EUR", 85, 6200), ("GBP", 15, 5300)),
        tax_percent=19,
        shipping=490,
        asks_consent=True,
        consent_default="denied",
        margin_rate="0.45",
    ),
    "us": Market(
        timezone="America/New_York",
        utc_hours=-5,
        host="us.shop.example",
        currencies=(("USD", 100, 7400),),
        tax_percent=8,
        shipping=695,
        asks_consent=False,
        consent_default="granted",
        margin_rate="0.5",
    ),
    "jp": Market(
        timezone="Asia/Tokyo",
        utc_hours=9,
        host="jp.shop.example",
        currencies=(("JPY", 96, 8800), ("USD", 4, 6500)),
        tax_percent=10,
        shipping=550,
        asks_consent=False,
        consent_default="granted",
        margin_rate="0.4",
    ),
}
EXPONENT = {"EUR": 2, "GBP": 2, "USD": 2, "JPY": 0}
FX = {  # the ECB's columns, their rate on the first day (units per 1 EUR) and decimals; None: no longer quoted
    "USD": (1.0856, 4),
    "JPY": (163.12, 2),
    "PLN": (4.312, 4),
    "CYP": (None, 0),
    "CZK": (25.212, 3),
    "GBP": (0.8512, 5),
    "CHF": (0.9541, 4),
    "KRW": (1478.31, 2),
}


@dataclass(frozen=True)
class Campaign:
    """An advertising campaign; `cost` is what a click costs, in minor units of a two-decimal currency."""

    platform: str
    id: str
    name: str
    source: str
    medium: str
    weight: int
    cost: int

    @property
    def utm(self) -> str:
        return f"utm_source={self.source}&utm_medium={self.medium}&utm_campaign={quote_plus(self.name)}"


CAMPAIGNS = (
    Campaign("google_ads", "17654321001", "Brand", "google", "cpc", 20, 60),
    Campaign("google_ads", "17654321002", "Generic - Running Shoes", "google", "cpc", 18, 210),
    Campaign("google_ads", "17654321003", "Shopping | All products", "google", "cpc", 14, 140),
    Campaign("google_ads", "17654321004", "Cross-Network PMax", "google", "cpc", 8, 160),
    Campaign("meta_ads", "23850000000000101", "Prospecting_Lookalike 1%", "facebook", "paid_social", 16, 150),
    Campaign("meta_ads", "23850000000000102", "Retargeting DPA", "instagram", "paid_social", 10, 95),
    Campaign("newsletter", "nl-weekly", "Weekly News", "newsletter", "email", 10, 3),
    Campaign("newsletter", "nl-spring", "Spring & Summer 20% off", "newsletter", "email", 4, 4),
)
CLICK_IDS = {"google_ads": "gclid", "meta_ads": "fbclid"}
CLICK_REFERRERS = {
    "google_ads": "https://www.google.com/",
    "meta_ads": "https://l.facebook.com/",
    "newsletter": "",
}

# Unpaid traffic: (referrer, query of the landing page); '' is none.
ORGANIC = (
    ("https://www.google.com/", ""),
    ("https://www.google.de/", ""),
    ("https://www.bing.com/", ""),
    ("https://duckduckgo.com/", ""),
)
SOCIAL = (("https://l.facebook.com/", ""), ("https://t.co/x1", ""), ("https://www.reddit.com/r/running/", ""))
REFERRALS = (("https://blog.runner.example/best-shoes", ""), ("https://www.coupons.example/shop", ""))
ASSISTANTS = (
    ("https://chatgpt.com/", "utm_source=chatgpt.com"),
    ("https://www.perplexity.ai/", ""),
    ("https://gemini.google.com/", ""),
    ("https://copilot.microsoft.com/", ""),
)
DIRECT = (("", ""),)
OTHER_TAGGED = (
    ("https://partner.example/", "utm_source=partner&utm_medium=affiliate&utm_campaign=autumn%20deal"),
    ("", "utm_source=crm&utm_medium=email&utm_campaign=back%20in%20stock"),
)
# (kind, weight at a person's first visit, weight at a later one)
TRAFFIC = (
    ("campaign", 40, 30),
    (ORGANIC, 24, 18),
    (DIRECT, 13, 36),
    (SOCIAL, 8, 4),
    (REFERRALS, 7, 3),
    (ASSISTANTS, 4, 3),
    (OTHER_TAGGED, 4, 6),
)

USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
)
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737: for documentation, nobody's
FIRST_NAMES = ("Alex", "Kim", "Robin", "Sasha", "Noa", "Yuki", "Charlie", "Toni")
LAST_NAMES = ("Muster", "Sample", "Beispiel", "Tanaka", "Exempel", "Placeholder")
PAGES = (
    ("/", "Home"),
    ("/c/running", "Running"),
    ("/c/trail", "Trail"),
    *((f"/p/{sku}", f"Shoe {sku}") for sku in range(1001, 1019)),
    ("/search", "Search"),
)
# Local hours in which visits begin: each as often as its share of the day's traffic.
HOURS = tuple(
    hour
    for hour, share in enumerate((2, 1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 8, 9, 8, 7, 7, 8, 9, 11, 13, 13, 11, 7, 4))
    for _ in range(share)
)


def config_yaml() -> str:
    """The text of a romi.yaml for this shop."""
    regions = "\n".join(
        f"  {name}: {{timezone: {market.timezone}, consent_default: {market.consent_default}, "
        f"margin_rate: {market.margin_rate}}}"
        for name, market in MARKETS.items()
    )
    hosts = ", ".join(market.host for market in MARKETS.values())
    return f"""\
# The sample shop's configuration; every key is optional.
landing: ./landing
warehouse: ./warehouse
reporting_currency: EUR

# One region is one shard. Its time zone sets the accounting day; consent_default is what holds for a record
# that says nothing about consent; margin_rate stands in where the ledger gives no cogs.
regions:
{regions}

# web: what browsers send; orders: what the shop's servers send.
topics:
  web: {{format: segment}}
  orders: {{format: segment}}

attribution:
  lookback_days: 30
  session_timeout_minutes: 30
  internal_domains: [{hosts}]             # moving between them is no referral
  payment_domains: [paypal.com, klarna.com]   # nor is coming back from paying

# A month can be closed with so many orders in a region that stand in the events or in the ledger alone.
close:
  unreconciled_orders: 5
"""
