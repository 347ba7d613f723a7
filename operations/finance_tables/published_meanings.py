"""What the columns mean that Python writes; the models of dbt carry their own descriptions."""

_IS_FINAL = (
    "Whether the row will change no more but for later corrections of the ledger: the input has passed it by 35 days,"
    " nothing of it is withheld and no loss is known that could speak of it."
    " Source: input watermark, quality gate and the books of archives."
)
_IS_PARTIAL = (
    "Whether the month had not ended in the region when the version was built, so that its figures are of the days so"
    " far. Source: the clock."
)
_IN_MONEY = ", in the reporting currency"
# Of service levels, in both their tables.
_LEVELS = {
    "date": "Calendar day in the region's time zone; of UTC where the region is (all)."
    " Source: the service level's facts.",
    "region": "Region, a code of the configuration, or (all). Source: the folder of the landing zone.",
    "slo": "Service level: accuracy (orders of the ledger that are right to the cent), records_accounted (landed"
    " records whose fate is known, of those and the lost ones), event_match_rate, ingest_latency_ms,"
    " availability, and freshness_hours with the mart after a point. Source: the configuration.",
    "unit": "What objective and achieved are counted in: share, ms or hours. Source: the configuration.",
    "objective": "What is promised, in `unit`. Source: the configuration.",
    "achieved": "What came of it, in `unit`: the share of good events, or the 99th percentile; of the days from"
    " judged_from to this one. Source: the service level's facts.",
    "is_met": "Whether the promise was kept. Source: the service level's facts.",
    "judged_from": "First of the days that are judged together, since this one alone has too few events for its"
    " objective to mean anything; 27 days before at most. Source: the service level's facts.",
    "events": "Events of the day: orders, records, archives, reads, or minutes. Source: the service level's facts.",
    "bad_events": "Those of them that were not as promised. Source: the service level's facts.",
    "error_budget_left": "Share of the bad events allowed in the 28 days up to this one (availability: 365) that is"
    " left; below 0 it is overspent. Source: the service level's facts.",
    **{
        f"burn_rate_{long}": f"How many times faster than allowed the budget burned over {words} and the {short} at"
        " their end, at the day's worst moment; 1 spends it exactly in its period. NULL where"
        " there were too few events. Source: the service level's facts."
        for long, words, short in (
            ("1h", "an hour", "5 minutes"),
            ("6h", "6 hours", "30 minutes"),
            ("3d", "3 days", "6 hours"),
        )
    },
    "alert": "page (burned over 14.4 times too fast in an hour, or 6 times in 6 hours), ticket (too fast in 3"
    " days), else NULL. Source: the burn rates.",
}
WRITTEN_HERE = {
    "finance.romi_daily": {"is_final": _IS_FINAL},
    "finance.romi_monthly": {"is_final": _IS_FINAL, "is_partial": _IS_PARTIAL},
    "finance.romi_by_segment": {"is_final": _IS_FINAL, "is_partial": _IS_PARTIAL},
    "finance.payback_cohorts": {
        "is_final": _IS_FINAL,
        "is_complete": "Whether the month had ended in the region when the version was built. Source: the clock.",
    },
    "finance.orders_daily": {"is_final": _IS_FINAL},
    "finance.orders_by_currency": {"is_final": _IS_FINAL, "is_partial": _IS_PARTIAL},
    "finance.spend_daily": {"is_final": _IS_FINAL},
    "finance.channel_weights": {"is_final": _IS_FINAL},
    "finance.romi_by_touch_date": {
        "is_final": _IS_FINAL.replace("passed it by 35 days,", "passed it by 35 days and the look-back window,"),
    },
    "finance.reconciliation_daily": {
        "date": "Calendar day in the region's time zone. Source: accounting date of the order.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "ledger_orders": "Orders of the ledger that are not cancelled, and its rows that could not be read."
                         " Source: the ledger.",
        "warehouse_orders": "Orders that the warehouse holds for the day. Source: the warehouse, order by order.",
        "missing_in_warehouse": "Orders of the ledger that the warehouse does not hold on that day."
                                " Source: ledger and warehouse, order by order.",
        "missing_in_ledger": "Orders of the warehouse that the ledger does not have on that day, such as those only"
                             " events know; not conversions that are no orders. Source: ledger and warehouse, order by"
                             " order.",
        "amount_mismatches": "Orders whose event gives another amount or currency than the ledger, both without tax and"
                             " shipping. The ledger's is published. Source: ledger and events, order by order.",
        "mismatch_cause": "The commonest cause of amount_mismatches, in words; NULL without any."
                          " Source: ledger and events, order by order.",
        "wrong_amounts": "Orders of the ledger whose revenue, refunds, cost of goods or currency the warehouse holds"
                         " otherwise, or that stand twice. Source: ledger and warehouse, order by order.",
        "ledger_refunds": "Refunds of the ledger's orders, in the reporting currency. Source: the ledger.",
        "warehouse_refunds": "Refunds of the warehouse's orders, in the reporting currency."
                             " Source: the warehouse, order by order.",
        "ledger_net": "ledger_revenue minus ledger_refunds, in the reporting currency. Source: the ledger.",
        "warehouse_net": "warehouse_revenue minus warehouse_refunds, in the reporting currency."
                         " Source: the warehouse, order by order.",
        "event_only_orders": "Orders that only events know, among warehouse_orders; not conversions that are no orders."
                             " Source: ledger and events, order by order.",
        "event_only_revenue": "Gross revenue of event_only_orders, in the reporting currency."
                              " Source: ledger and events, order by order.",
        "ledger_revenue": "Gross revenue of the ledger's orders, in the reporting currency. Source: the ledger.",
        "warehouse_revenue": "Gross revenue of the warehouse's orders, in the reporting currency."
                             " Source: the warehouse, order by order.",
        "accuracy": "Share of the ledger's orders that the warehouse holds to the cent; NULL without any."
                    " Source: ledger and warehouse, order by order.",
        "event_match_rate": "Share of the ledger's orders whose Order Completed event arrived; NULL without any."
                            " Source: ledger and events.",
        "refused_rows": "Rows of ledger and spend of the day that could not be read; one whose day cannot be told"
                        " counts on every day of its file. Source: the files of ledger and spend.",
    },
    "finance.data_quality": {
        "month": "First day of the calendar month in the region's time zone. Source: orders_daily and spend_daily.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "revenue": "Gross revenue of the month, in the reporting currency. Source: orders_daily.",
        "attributed_share": "Share of revenue that is credited to a channel by name, under linear."
                            " Source: romi_monthly.",
        "no_consent_share": "Share of revenue of orders that came without consent, so that nothing is known of what led"
                            " to them. Source: orders and events.",
        "no_touch_share": "Share of revenue of orders whose buyers had no touch in the look-back window."
                          " Source: orders and events.",
        "ledger_only_share": "Share of revenue of orders that only the ledger knows. Source: orders and events.",
        "small_cell_share": "Share of revenue of which too few buyers are behind it to say whose it is, or that waits"
                            " until k_anonymity are; with the four others it makes 1."
                            " Source: the steps of small cells.",
        "revenue_without_cost_share": "Share of revenue that is credited by name to campaigns without any cost in the"
                                      " month, under linear; unpaid channels are among them. Source: romi_monthly.",
        "spend": "Advertising cost of the month, in the reporting currency. Source: spend_daily.",
        "spend_without_visits_share": "Share of spend of campaigns that no visit of the month came from: their links"
                                      " may lack their names; NULL where visits are no longer kept."
                                      " Source: spend_daily and sessions.",
        "cogs": "Cost of goods sold of the month, in the reporting currency. Source: orders_daily.",
        "assumed_cogs_share": "Share of cogs that margin_rate stands for. Source: orders_daily.",
        "days_withheld": "Days of the month that are withheld or wait for their rebuild, a count; the rest of the row"
                         " is then that of the last good version. Source: quality gate and plan.",
        "refused_files": "Files of ledger and spend with rows of the month that could not be read, a count."
                         " Source: the books of files.",
        "refused_rows": "Those rows, a count; one whose day cannot be told counts on every day of its file."
                        " Source: the books of files.",
        "refused_revenue": "What refused rows of the ledger are worth, in the reporting currency, if each is an average"
                           " order of the month: an estimate. Source: computed.",
        "refused_spend": "What refused rows of spend are worth, in the reporting currency, if each is an average row of"
                         " the month: an estimate. Source: computed.",
        "is_final": _IS_FINAL,
        "is_partial": _IS_PARTIAL,
        "is_proved": "Whether the proof that no small cell can be computed was done when the month last changed; false"
                     " where it ran out of time, so that nothing new was named. Source: the proof of small cells.",
        "cells_checked": "Hidden parts of cells of which that proof looked whether published figures tell them, a count"
                         " over channels, campaigns, currencies, cohorts and reasons why nobody is credited."
                         " Source: the proof of small cells.",
        "cells_found": "Cells of which they would have told something, a count. Source: the proof of small cells.",
        "repairs": "How often less was named for that, until they told nothing, a count."
                   " Source: the proof of small cells.",
        "repair_cost_share": "What share of revenue is named less for that, at most: 0, or the next of 0.01, 0.05, 0.1,"
                             " 0.25, 0.5 and 1; a finer figure would tell what few buyers spent."
                             " Source: the proof of small cells.",
    },
    "finance.incremental_romi": {
        "month": "First day of the calendar month in the region's time zone. Source: romi_monthly.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "channel": "Channel that romi_monthly names, a name. Source: romi_monthly.",
        "attribution_model": "Attribution model of the attributed figures, a name. Source: the configuration's"
                             " release_model.",
        "spend": "Advertising cost, in the reporting currency, as in romi_monthly. Source: the platforms' exports.",
        "attributed_margin": "Margin that the model credits to the channel, in the reporting currency; attribution is"
                             " not cause. Source: romi_monthly.",
        "incremental_margin": "Margin, in the reporting currency, that would not have come without the advertising, as"
                              " the experiment estimates it; NULL of grade C. Source: experiment_lift, in proportion to"
                              " spend.",
        "incremental_margin_low": "Lower end of its interval, in the reporting currency; 0 of grade C."
                                  " Source: experiment_lift, in proportion to spend.",
        "incremental_margin_high": "Upper end of its interval, in the reporting currency; of grade C the most that any"
                                   " model credits to the channel, with what is unattributed or waits in (other), 0 at"
                                   " least. Source: experiment_lift, in proportion to spend, or romi_monthly.",
        "attributed_romi": "(attributed_margin - spend) / spend, a ratio; NULL where spend is 0. Source: computed.",
        "incremental_romi": "(incremental_margin - spend) / spend, a ratio; NULL where spend is 0, and of"
                            " grade C. Source: computed.",
        "incremental_romi_low": "Lower end of its interval, a ratio; NULL where spend is 0. Source: computed.",
        "incremental_romi_high": "Upper end of its interval, a ratio; NULL where spend is 0. Source: computed.",
        "grade": "Grade of evidence: A randomised persons, B geographies, C bounds without an experiment."
                 " Source: experiment_lift.",
        "source": "What the figures rest on, in words. Source: the configuration's experiments.",
        "is_final": _IS_FINAL,
        "is_partial": _IS_PARTIAL,
    },
    "finance.restatements": {
        "version": "Number of the version that changed the figures. Source: publish.",
        "table": "Table of finance whose figures changed. Source: publish.",
        "date": "Day, or first day of the month, whose figures changed. Source: publish.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        **{
            f"{name}_change": f"{name.capitalize()} now minus {name} before, of the whole region and period, for one"
                              f" attribution model{unit}; NULL where the table has none. Source: both versions."
            for name, unit in (("spend", _IN_MONEY), ("conversions", ""), ("orders", ""), ("revenue", _IN_MONEY),
                               ("refunds", _IN_MONEY), ("cogs", _IN_MONEY))
        },
        "credit_moved": "What went from one channel or campaign to another, revenue (in spend_daily, cost), in the"
                        " attribution model that moved most, in the reporting currency. Source: both versions.",
        "why": "What the rebuilt days were rebuilt for. Source: plan.",
    },
    "finance.prior_period_adjustments": {
        "version": "Number of the version that booked it. Source: publish.",
        "booked_month": "First day of the open month in which it is booked: the one after the last that was closed."
                        " Source: the closes.",
        "closed_month": "First day of the closed month that it adjusts. Source: the closes.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "table": "Whose totals it adjusts: orders_daily (and with it the money of romi_daily, romi_monthly and"
                 " romi_by_segment under every model), spend_daily (and their cost), or romi_by_touch_date."
                 " Source: publish.",
        "attribution_model": "Of romi_by_touch_date the attribution model; of the others, whose totals are those of"
                             " every model, (all). Source: publish.",
        **{
            name: f"What the closed month's {name} is today more than was shown and booked of it{unit}; NULL where the"
                  " table has none. Source: the month as the regions' files have it, less its lock, less earlier"
                  " adjustments."
            for name, unit in (("spend", _IN_MONEY), ("impressions", ""), ("clicks", ""), ("orders", ""),
                               ("new_customers", ""), ("conversions", ""), ("revenue", _IN_MONEY),
                               ("refunds", _IN_MONEY), ("net_revenue", _IN_MONEY), ("cogs", _IN_MONEY),
                               ("margin", _IN_MONEY))
        },
        "why": "What the closed month's days were rebuilt for. Source: plan.",
    },
    "meta.closed_months": {
        "month": "First day of the closed month, whose published rows do not change any more. Source: the closes.",
        "number": "Which close of this month it is; more than 1 where it was reopened before. Source: the closes.",
        "closed_at": "Moment at which it was closed. Source: the closes.",
        "version": "Number of the published version whose figures were locked. Source: the closes.",
        "manifest_sha256": "SHA-256 of the lock's signed manifest. Source: the closes.",
    },
    "finance.slo_daily": {
        **_LEVELS,
        "region": "Region in which the service level went worst that day: the one with the least of its error budget"
                  " left; (all) where it is of the whole warehouse. Source: meta.slo_of_regions.",
    },
    "meta.slo_of_regions": _LEVELS,
    "meta.usable_days": {
        "date": "Calendar day in the region's time zone, up to the day before the version was built. Source: publish.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "is_usable": "Whether the day's published numbers can be used. Source: quality gate, books and plan.",
        "answer": "Why, in words. Source: quality gate, books and plan.",
    },
    "meta.versions": {
        "version": "Number of the published version. Source: publish.",
        "built_at": "Moment at which the version was built. Source: publish.",
        "region": "Region, a code of the configuration. Source: the folder of the landing zone.",
        "input_watermark": "Latest event received (where that is unknown, latest that happened) of what is inside."
                           " Source: events.",
        "withheld_days": "Days held back by the quality gate or not rebuilt yet; they show their last good rows,"
                         " if any. Source: quality gate and plan.",
        "carried_over": "Whether the region's rows are those of the version before, because its file could not be read."
                        " Source: publish.",
        "contract": "Version of the contract of the published tables: within it, tables and columns are only added."
                    " Source: the contract.",
        "switches": "Features that are off or in the shadow in the region, such as `markov off`; empty if all are on."
                    " Source: the configuration.",
    },
    "meta.columns": {
        "schema_name": "Schema of the column's table. Source: the contract.",
        "table_name": "Table of the column. Source: the contract.",
        "column_name": "The column. Source: the contract.",
        "meaning": "What the column says. Source: the models' descriptions.",
        "unit": "What the column is counted in. Source: the models' descriptions.",
        "source": "Where the column's values come from. Source: the models' descriptions.",
    },
}  # fmt: skip
