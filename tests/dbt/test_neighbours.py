"""What differential privacy rests on: without any one person, a bounded month differs by at most the caps.

A person is all that the warehouse holds as theirs: the events that identity resolves to them, and their orders. The
shop has shared devices, visits before a login, refunds and orders in the ledger; a person is taken out before
anything is built, so that whatever moves another's credit would show.
"""

import random
from datetime import date, datetime, timedelta

import pytest

from operations.dp_release.releases import credits_of
from privacy.release import MEASURES, bounded

MARCH = date(2026, 3, 1)
CAPS = {"conversions": 1_000_000, "net_revenue": 9_000}
MODELS = ("first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay")
SOURCES = [("google", "cpc", "brand"), ("newsletter", "email", "w9"), ("facebook", "paid", "spring"), (), ()]


def shop(rng):
    """Visits and orders of five users on four devices, three of which they share, in order of time."""
    visits = []
    for _ in range(60):
        at = datetime(2026, 2, 20) + timedelta(minutes=rng.randrange(38 * 1440))
        user = rng.choice(["u1", "u2", "u3", "u4", "u5", None, None])
        visits.append({"at": at, "user": user, "device": rng.choice("abcd"), "campaign": rng.choice(SOURCES)})
    for number in range(14):
        at = datetime(2026, 3, 1) + timedelta(minutes=rng.randrange(29 * 1440))
        user = rng.choice(["u1", "u1", "u2", "u3", None])
        order = {"id": f"o-{number}", "cents": rng.randrange(1, 9_000), "refunded": rng.choice([0, 0, 2_000, 8_000])}
        visits.append({"at": at, "user": user, "device": rng.choice("abcd"), "order": order})
    return sorted(visits, key=lambda visit: visit["at"])


def owner(visit, visits):
    """The rule of identity: the event's user, else the device's last one so far, else its first one after."""
    if visit["user"]:
        return visit["user"]
    seen = [one for one in visits if one["user"] and one["device"] == visit["device"]]
    before = [one["user"] for one in seen if one["at"] <= visit["at"]]
    return before[-1] if before else seen[0]["user"] if seen else visit["device"]


def months(dbt, region, visits):
    """The month's credit by model, as a release would take it."""
    events, ledger = [], []
    for visit in visits:
        who = {"user": visit["user"], "anonymous": visit["device"]}
        if order := visit.get("order"):
            events.append(region.order(visit["at"], order["id"], order["cents"], **who))
            if order["refunded"]:  # what the ledger says of refunds may exceed the revenue
                ledger.append(region.ledger(order["id"], visit["at"], order["cents"], refunded=order["refunded"]))
        else:
            events.append(region.event(visit["at"], campaign=visit["campaign"], **who))
    region.insert("events", events)
    region.insert("ledger_orders", ledger)
    kinds = ("--resource-type", "seed", "--resource-type", "model")
    dbt("build", region, "2026-02-20", "2026-03-31", "--select", "+int_attribution__touch_credits", *kinds)
    with region.open() as con:
        return {model: bounded(credits_of(con, MARCH, model), CAPS) for model in MODELS}


@pytest.mark.parametrize(
    ("seed", "persons"), [(1, ["u1"]), *(pytest.param(seed, None, marks=pytest.mark.slow) for seed in (1, 2, 3))]
)
def test_month_without_any_one_person_differs_by_at_most_the_caps(dbt, new_region, seed, persons):
    visits = shop(random.Random(seed))
    owners = [owner(visit, visits) for visit in visits]
    everyone = months(dbt, new_region(), visits)
    has_moved = set()
    for person in persons or sorted(set(owners)):
        kept = [visit for visit, name in zip(visits, owners, strict=True) if name != person]
        others = months(dbt, new_region(), kept)
        for model in MODELS:
            for measure in MEASURES:
                pairs = zip(everyone[model][measure], others[model][measure], strict=True)
                moved = sum(abs(one - other) for one, other in pairs)
                assert moved <= CAPS[measure], (person, model, measure)
                has_moved |= {person} if moved > CAPS[measure] * 0.9 else set()
    assert has_moved, "nobody of the shop came near a cap: it shows nothing"
