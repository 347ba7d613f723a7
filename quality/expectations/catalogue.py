"""What finance may expect of the published tables: each rule with what it protects and what to do when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MODELS = ("counterfactual", "first_touch", "last_non_direct", "last_touch", "linear", "markov", "position_based",
          "shapley", "time_decay")  # fmt: skip
SEGMENTS = ("new", "repeat", "lapsed", "unknown", "(other)")

_REBUILD = "Rebuild the days it names; if it fails again, tell us: the models reckon wrongly."
_LOOK = "Nothing is held back: ask whoever keeps the source whether it can be."


@dataclass(frozen=True)
class Rule:
    """One expectation of one suite; its name is that of the asset check."""

    name: str
    suite: str  # the frame it looks at
    kind: str  # the class: one of ours, or of Great Expectations
    arguments: dict[str, Any]
    protects: str
    remedy: str = _REBUILD
    is_blocking: bool = True

    @property
    def description(self) -> str:
        effect = "the days and regions it names are withheld" if self.is_blocking else "it only warns"
        return f"{self.protects} If it fails, {effect}. {self.remedy}"


def _columns(*names: str) -> dict[str, Any]:
    return {"column_list": list(names)}


def _at_least_nothing(column: str) -> dict[str, Any]:
    return {"column": column, "min_value": 0}


def _named_at_least_nothing(column: str) -> dict[str, Any]:
    """Of named cells: what is cancelled of one waits in channel (other), which may fall below nothing for it."""
    named = {"row_condition": 'channel != "(other)"', "condition_parser": "pandas"}
    return {**_at_least_nothing(column), **(named if column != "spend" else {})}


def _of_romi(suite: str) -> list[Rule]:
    """The rules of the three tables with the columns of `romi_daily`."""
    return [
        Rule(f"{suite}_net_revenue_ties", suite, "ExpectDifferenceToTheCent",
             _columns("revenue", "refunds", "net_revenue"), "Net revenue is revenue less refunds, to the cent."),
        Rule(f"{suite}_margin_ties", suite, "ExpectDifferenceToTheCent",
             _columns("net_revenue", "cogs", "margin"), "Margin is net revenue less the cost of goods, to the cent."),
        Rule(f"{suite}_roas_ties", suite, "ExpectRatioToTheCent", _columns("net_revenue", "spend", "roas"),
             "ROAS times spend is net revenue to the cent, and ROAS is there exactly where there is spend."),
        Rule(f"{suite}_romi_ties", suite, "ExpectRatioToTheCent", _columns("profit", "spend", "romi"),
             "ROMI times spend is margin less spend to the cent, and ROMI is there exactly where there is spend."),
        Rule(f"{suite}_cpa_ties", suite, "ExpectRatioToTheCent", _columns("spend", "conversions", "cpa"),
             "CPA times conversions is spend to the cent, and CPA is there exactly where there are conversions."),
        *(
            Rule(f"{suite}_{column}_is_not_negative", suite, "ExpectColumnValuesToBeBetween",
                 _named_at_least_nothing(column), f"No named cell has negative {column}.")
            for column in ("spend", "conversions", "revenue", "refunds")
        ),
        Rule(f"{suite}_knows_its_models", suite, "ExpectColumnValuesToBeInSet",
             {"column": "attribution_model", "value_set": list(MODELS)},
             "Every row is of one of the nine attribution models, so that nobody adds up another."),
    ]  # fmt: skip


RULES: tuple[Rule, ...] = (
    *_of_romi("romi_daily"),
    *_of_romi("romi_monthly"),
    *_of_romi("romi_by_touch_date"),
    Rule("months_are_the_sum_of_their_days", "months_and_days", "ExpectTotalsToBeEqual",
         _columns("spend", "conversions", "revenue", "refunds", "cogs",
                  "spend_of_days", "conversions_of_days", "revenue_of_days", "refunds_of_days", "cogs_of_days"),
         "A month of a region is the sum of its days, under every model and in every measure."),
    Rule("months_credit_the_same_whole", "months_and_orders", "ExpectTotalsToBeEqual",
         _columns("conversions", "revenue", "refunds", "cogs",
                  "orders", "revenue_of_orders", "refunds_of_orders", "cogs_of_orders"),
         "Every model hands out exactly the month's orders, revenue, refunds and cost of goods."),
    Rule("romi_holds_all_cost", "days_and_costs", "ExpectTotalsToBeEqual",
         _columns("spend", "impressions", "clicks", "spend_of_platforms", "impressions_of_platforms",
                  "clicks_of_platforms"),
         "Every model shows the whole cost, impressions and clicks of the day in finance.spend_daily."),
    Rule("segments_are_the_whole_month", "segments_and_months", "ExpectTotalsToBeEqual",
         _columns("conversions", "revenue", "refunds", "cogs",
                  "conversions_of_months", "revenue_of_months", "refunds_of_months", "cogs_of_months"),
         "The segments of a month add up to the month, under every model."),
    Rule("currencies_are_the_whole_month", "currencies_and_orders", "ExpectTotalsToBeEqual",
         _columns("orders", "revenue", "refunds", "orders_of_days", "revenue_of_days", "refunds_of_days"),
         "The currencies of a month add up to its orders, in the reporting currency."),
    Rule("romi_by_segment_knows_its_segments", "romi_by_segment", "ExpectColumnValuesToBeInSet",
         {"column": "segment", "value_set": list(SEGMENTS)}, "Every row is of a segment that the finance guide names."),
    Rule("orders_daily_net_revenue_ties", "orders_daily", "ExpectDifferenceToTheCent",
         _columns("revenue", "refunds", "net_revenue"), "Net revenue is revenue less refunds, to the cent."),
    Rule("orders_daily_margin_ties", "orders_daily", "ExpectDifferenceToTheCent",
         _columns("net_revenue", "cogs", "margin"), "Margin is net revenue less the cost of goods, to the cent."),
    Rule("new_customers_are_among_the_orders", "orders_daily", "ExpectColumnPairValuesAToBeGreaterThanB",
         {"column_A": "orders", "column_B": "new_customers", "or_equal": True},
         "A day has no more new customers than orders."),
    Rule("accuracy_is_what_its_counts_say", "reconciliation_daily", "ExpectShareOfCounts",
         _columns("wrong_orders", "ledger_orders", "accuracy"),
         "Accuracy is the share of the ledger's orders that are right, and is there where the ledger has orders."),
    Rule("event_match_rate_is_a_share", "reconciliation_daily", "ExpectColumnValuesToBeBetween",
         {"column": "event_match_rate", "min_value": 0, "max_value": 1}, "The event match rate is a share."),
    Rule("channel_weights_are_shares", "channel_weights", "ExpectColumnValuesToBeBetween",
         {"column": "share", "min_value": 0, "max_value": 1}, "What a channel has of a model's weight is a share."),
    Rule("clicks_come_from_impressions", "spend_daily", "ExpectColumnPairValuesAToBeGreaterThanB",
         {"column_A": "impressions", "column_B": "clicks", "or_equal": True},
         "No campaign has more clicks than impressions; some platforms bill clicks they never showed.", _LOOK, False),
    Rule("refunds_stay_within_revenue", "orders_daily", "ExpectColumnPairValuesAToBeGreaterThanB",
         {"column_A": "revenue", "column_B": "refunds", "or_equal": True},
         "No day gives back more than it took.", _LOOK, False),
)  # fmt: skip
