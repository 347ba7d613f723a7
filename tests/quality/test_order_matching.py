"""Why an event's amount is another than the ledger's."""

import pytest

from quality.order_matching import cause_of_mismatch


@pytest.mark.parametrize(
    ("ledger", "event", "cause"),
    [
        (("EUR", 1000), ("EUR", 1000, 190, 1690), None),
        (("EUR", 1000), ("USD", 1000, 0, 1000), "another currency"),
        (("EUR", 1000), ("EUR", 1190, 0, 1190), "gross against net: the event's revenue includes tax"),
        (("EUR", 1000), ("EUR", 1133, 133, 1133), "gross against net: the event's revenue includes tax"),
        (("EUR", 333), ("EUR", 396, 0, 396), "gross against net: the event's revenue includes tax"),
        (("EUR", 1000), ("EUR", 1490, 0, 1980), "the event's revenue includes shipping"),
        (("EUR", 1000), ("EUR", 1680, 190, 2360), "the event's revenue includes tax and shipping"),
        (("EUR", 1190), ("EUR", 1000, 0, 1000), "gross against net: the ledger's revenue includes tax"),
        (("EUR", 1000), ("EUR", 1555, 0, 1555), "no common cause"),
        (("EUR", 0), ("EUR", 1000, 0, 1000), "no common cause"),
    ],
)
def test_the_cause_is_told_from_the_amounts(ledger, event, cause):
    assert cause_of_mismatch(ledger, event) == cause
