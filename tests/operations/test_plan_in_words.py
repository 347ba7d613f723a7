"""A plan as people read it: to the cent, short enough for a comment, and no markup of the shop's making."""

from datetime import date
from decimal import Decimal

from operations.plan_in_words import amount, as_markdown, headline, lines, rows
from operations.planned import Moved, Plan


def moved(channel: str = "Email", model: str = "linear", cents: int = 123_405, month: str = "2026-03") -> Moved:
    return Moved("romi_monthly", month, "eu", channel, model, {"revenue": cents}, "changed rules")


def restated(day: date = date(2026, 3, 1)) -> dict:
    return {"table": "romi_monthly", "date": day, "region": "eu", "why": "changed rules"}


def test_amounts_have_their_sign_and_both_decimals():
    assert [amount(one) for one in (123_405, -5, 0, -100_000_000)] == ["+1,234.05", "-0.05", "", "-1,000,000.00"]


def test_cells_that_move_alike_under_several_models_are_one_row():
    [one, other] = rows([moved(), moved(model="markov"), moved(model="shapley", cents=1)])
    assert (one.models, other.models) == (("linear", "markov"), ("shapley",))


def test_a_channel_of_a_month_is_one_line_from_the_least_to_the_most_of_its_models():
    cells = [moved(), moved(model="markov"), moved(model="shapley", cents=-1)]
    every_day = Moved("orders_daily", "2026-03", "eu", "(all)", "(all)", {"cogs": 5}, "orders")
    assert lines(Plan(moved=[*cells, every_day, moved("Direct", cents=7)])) == [
        "2026-03 eu romi_monthly, Email (3 models): revenue -0.01 to +1,234.05; changed rules",
        "2026-03 eu orders_daily, (all): cogs +0.05; orders",
        "2026-03 eu romi_monthly, Direct (linear): revenue +0.07; changed rules",
    ]


def test_nothing_moves_is_said_in_one_line():
    assert as_markdown(Plan()) == "### What this changes in the published figures\n\nNothing published changes.\n"


def test_a_comment_names_what_moves_most_and_counts_the_rest():
    many = [moved(channel=f"Channel {number}", cents=number + 1) for number in range(50)]
    text = as_markdown(Plan(moved=many, restatements=[restated()]))
    assert "1 days or months of romi_monthly change, in 2026-03." in text
    assert "| Channel 49 | linear |  | +0.50 |" in text
    assert "Channel 9 |" not in text
    assert "10 smaller rows are left out" in text


def test_a_channel_is_no_markup_whatever_it_is_called():
    hostile = "|<script>[x](http://e.example)`\n@here"
    [line] = [one for one in as_markdown(Plan([moved(hostile)], [restated()])).splitlines() if "script" in one]
    assert r"\|\<script\>\[x\](http://e.example)\` \@here" in line


def test_closed_months_are_told_as_what_would_be_booked_of_them():
    adjustment = {
        "closed_month": date(2026, 1, 1), "region": "eu", "table": "orders_daily", "attribution_model": "(all)",
        "revenue": Decimal("-12.50"), "spend": None, "refunds": None, "cogs": None, "margin": None, "why": "orders",
    }  # fmt: skip
    plan = Plan(adjustments=[adjustment], withheld={"us": {"2026-03-01": "stale_rate"}}, new_days={"eu": 2})
    assert headline(plan) == "No open month changes. 2026-01 is closed and would be adjusted."
    text = as_markdown(plan)
    assert r"| 2026-01 | eu | orders\_daily | \(all" not in text
    assert "| -12.50 |" in text
    assert "New days, which are not restatements: 2 of eu." in text
    assert lines(plan) == [
        "2026-01 eu is closed; orders_daily is adjusted by revenue -12.50; orders",
        "us 2026-03-01 would be withheld: stale_rate",
    ]
