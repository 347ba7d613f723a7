"""The register of processing: what is collected, why, on what basis, how long, and who sees it.

`make docs` writes it as ``docs/register_of_processing.md``; :mod:`operations.register.register_audit` holds the
warehouse to it. A table, column or file that is not here is not known to anybody who asks what is kept.
"""

from __future__ import annotations

from operations.dp_release.released_marts import RELEASED
from operations.finance_tables.published_tables import AT_PUBLISH, FINANCE, PUBLISHED
from operations.register.entry import CONSENT, DUTY, INTEREST, OPERATORS, Processing
from operations.register.files import FILES
from settings import Retention, Settings

# By the file of a version: each table's columns.
PUBLISHED_TABLES = {
    "marts.duckdb": {str(one): " ".join(one.columns) for one in PUBLISHED},
    "released.duckdb": {str(one): " ".join(one.columns) for one in RELEASED},
}
_FINANCE_OF_REGION = {
    name: " ".join(one for one in columns.split() if one not in AT_PUBLISH)
    for name, columns in PUBLISHED_TABLES["marts.duckdb"].items()
    if name in map(str, FINANCE)
}

REGISTER = (
    Processing(
        "Raw events",
        "Page views, screen views and commerce events, masked at the boundary, with pseudonyms for persons.",
        "Attribution of orders to marketing.", CONSENT, "raw_days", OPERATORS, True,
        {
            "raw.events": "message_id message_order archive_id record_offset type event occurred_at received_at"
            " anonymous_id user_id campaign_source campaign_medium campaign_name campaign_id page_host referrer_host"
            " experiment variation geography order_id currency revenue_minor tax_minor shipping_minor total_minor"
            " is_anonymised is_consent_stated",
        },
    ),
    Processing(
        "Sessions and touches", "Who came when and from where, and which device belongs to whom, by pseudonym.",
        "Attribution of orders to marketing.", CONSENT, "touch_days", OPERATORS, True,
        {
            "intermediate.int_sessions__starts": "touch_id touched_on touched_at tie_number person_id"
            " campaign_source campaign_medium campaign_name campaign_id page_host referrer_host has_campaign",
            "intermediate.int_sessions__touchpoints": "touch_id touched_on touched_at tie_number person_id source"
            " medium campaign_id campaign channel",
            "intermediate.int_identity__device_users": "anonymous_id user_id valid_from valid_to",
            "ops.device_owners": "anonymous_id user_id",
            "ops.past_sightings": "message_id message_order occurred_at anonymous_id user_id last_seen_at",
        },
    ),
    Processing(
        "Withdrawals of consent",
        "When a person, by pseudonym, said no to analytics, in regions where silence counts as consent.",
        "To use nothing of them from that moment on.", "duty to honour a withdrawal (Art. 7(3) GDPR)", None,
        OPERATORS, True, {"ops.withdrawals": "anonymous_id user_id withdrawn_at"},
    ),
    Processing(
        "Buyers", "Persons on orders, and the last earlier order of those who came again, by pseudonym.",
        "New and returning customers; k-anonymity of what is published.", INTEREST,
        "customer_days", OPERATORS, True,
        {"ops.past_buyers": "person_id last_ordered_on"},
    ),
    Processing(
        "Orders with their credit", "Orders of the ledger and of events with their money, weights and credit. The"
        " person on them goes by the period of buyers.",
        "Accounting for marketing, order by order.", DUTY, "ledger_days",
        OPERATORS, True,
        {
            "raw.ledger_orders": "file line order_id ordered_at status revenue_minor refunded_minor cogs_minor currency"
            " updated_at item_hash posting paid_minor",
            "intermediate.int_orders__conversions": "order_id ordered_on converted_at person_id buyer_id"
            " conversion_type is_in_ledger is_in_events currency is_priced revenue_cents refund_cents cogs_cents"
            " is_cogs_assumed revenue_minor refund_minor",
            "intermediate.int_orders__segments": "order_id ordered_on segment",
            "intermediate.int_attribution__touch_credits": "order_id ordered_on buyer_id touch_number touch_id"
            " touched_on channel campaign weights revenue_cents refund_cents cogs_cents conversion_millionths",
            "intermediate.int_privacy__published_credits": "month order_id touch_number buyer_id ordered_on touched_on"
            " channel campaign segment revenue_cents refund_cents cogs_cents conversion_millionths month_level"
            " day_level touch_level segment_level is_current arrived_step month_step k_anonymity",
            "intermediate.int_privacy__published_currencies": "month order_id buyer_id currency revenue_cents"
            " refund_cents order_count revenue_minor refund_minor level is_current arrived_step month_step k_anonymity",
            "intermediate.int_privacy__published_cohorts": "month order_id touch_number buyer_id cohort channel"
            " revenue_cents refund_cents conversion_millionths cogs_cents level is_current arrived_step month_step"
            " k_anonymity",
            "intermediate.int_privacy__published_fates": "month order_id buyer_id fate revenue_cents refund_cents"
            " order_count level is_current arrived_step month_step k_anonymity",
            "ops.settled_orders": "order_id buyer_id segment path",
            "finance_audit.order_credit": "order_id ordered_on converted_at attribution_model touch_number touched_at"
            " touched_on source medium channel campaign weight total_weight conversions revenue refunds cogs",
        },
    ),
    Processing(
        "Dead letters",
        "Records that could not be loaded: place, reason, and the payload sealed with the region's key.",
        "To load them after a fix.", INTEREST, "dead_letter_days", OPERATORS, True,
        {"ops.dead_letters": "archive_id record_offset reason occurred_at first_seen_at attempts payload field"},
    ),
    Processing(
        "Aggregates", "What months taught, how small cells are merged, finance's rows of the region; no pseudonym.",
        "The published tables.", INTEREST, None, "operators and finance", False,
        {
            "intermediate.int_attribution__channel_buyers": "month channel buyers",
            "intermediate.int_attribution__channel_weights": "month attribution_model channel weight share weight_e12"
            " is_pooled",
            "intermediate.int_attribution__learning_paths": "month path conversions non_conversions",
            "intermediate.int_attribution__path_rates": "month path paths conversions worths",
            "ops.settled_paths": "month path non_conversions",
            "intermediate.int_experiments__arms": "experiment arm measure unit_count contaminated_count buyer_count"
            " buyer_count_before rest_buyer_count rest_buyer_count_before refunded_count rest_refunded_count"
            " rest_revenue_cents rest_margin_cents base_total total ratio ratio_variance",
            "intermediate.int_payback__acquisitions": "month channel attribution_model conversion_millionths"
            " net_revenue_cents margin_cents spend_cents",
            "intermediate.int_payback__returns": "month cohort channel attribution_model conversion_millionths"
            " net_revenue_cents margin_cents",
            "intermediate.int_privacy__arms": "experiment arm measure unit_count contaminated_count buyer_count"
            " buyer_count_before rest_buyer_count rest_buyer_count_before refunded_count rest_refunded_count"
            " rest_revenue_cents rest_margin_cents base_total total ratio ratio_variance rules is_shown k_anonymity",
            "intermediate.int_privacy__daily_cells": "date channel campaign published_channel published_campaign",
            "intermediate.int_privacy__monthly_cells": "month channel campaign published_channel published_campaign",
            "intermediate.int_privacy__touch_cells": "date channel campaign published_channel published_campaign",
            "intermediate.int_privacy__channel_weights": "month channel attribution_model weight share is_pooled buyers"
            " k_anonymity",
            "intermediate.int_privacy__proofs": "month division step is_first looked_at at_risk programmes found"
            " repaired hidden_refunds closed_parts merged_pairs is_fallen_back cost_cents",
            "intermediate.int_privacy__rules": "k_anonymity first_month last_month first_touch_day last_touch_day"
            " is_held",
            **_FINANCE_OF_REGION,
        },
    ),
    Processing(
        "Cost, rates and reference tables", "Advertising cost by campaign, the ECB's rates, currencies, known sources.",
        "Return on marketing.", "not about persons", None, "operators and finance", False,
        {
            "raw.spend": "file line platform spend_on campaign_id campaign_name channel impressions clicks spend_minor"
            " currency spend_rest account delivery delivery_order row_hash entity_hash extracted_at",
            "raw.fx_rates": "rate_on currency rate_e8",
            "intermediate.int_spend__campaigns": "platform campaign_id campaign channel is_first_of_id"
            " is_first_of_name",
            "intermediate.int_spend__campaign_keys": "platform campaign_id campaign_key key_kind named_from network",
            "intermediate.int_spend__daily_costs": "spend_on platform campaign_id channel campaign impressions clicks"
            " spend_cents",
            "intermediate.int_spend__original_costs": "spend_on platform campaign_id currency spend_minor",
            "intermediate.int_fx__daily_rates": "priced_on currency cents_numerator minor_denominator",
            "staging.channel_sources": "source category",
            "staging.currencies": "currency minor_unit",
            "staging.platform_sources": "source platform",
        },
    ),
    Processing(
        "Books",
        "Archives with the fates of their records in numbers, days with the verdict on them, disposals, and the"
        " books that a restore never overwrites (suppression, requests, privacy budget: keyed hashes, no identifiers).",
        "Accountability, and exactly-once loading.", DUTY, None, OPERATORS, False,
        {
            "ops.archives": "archive_id kind name topic partition start_offset size_bytes mtime_ns sha256 state problem"
            " attempts records first_seen_at loaded_at",
            "ops.archive_spans": "archive_id earliest latest",
            "ops.changes": "kind day key",
            "ops.days": "day build withheld_reason rebuilt_for is_final",
            "ops.disposals": "disposed_at what rule older_than records",
            "ops.failovers": "archive_id name why is_served size_bytes mtime_ns sha256 failed_over_at",
            "ops.fates": "archive_id fate reason records conflicting",
            "ops.fields": "topic field problem seen_on first_seen_at records",
            "ops.losses": "accepted_at accepted_by what archives records orders revenue",
            "ops.meta": "key value",
            "ops.notes": "archive_id field note records",
            "ops.quarantine": "order_id archive_id record_offset reason set_aside_by set_aside_at released_by"
            " released_at released_for day currency revenue_minor worth_cents usual_cents",
            "ops.unpriced_orders": "order_id day currency revenue_minor",
            "ops.readings": "archive_id settings",
            "ops.anomalies": "date measure subject value usual deviations is_blocking",
            "ops.measures": "date measure subject amount base",
            "ops.refused_days": "archive_id day records",
            "ops.refused_rows": "archive_id line reason column_name day until",
            "ops.removed_events": "archive_id records",
            "ops.vanished_files": "name told_at",
            "ops.sli": "slo date counted_at events bad value",
            "ops.pending_days": "day reason state failed_tests touched_from touched_to tables",
        },
        files=("books/*.jsonl", "books/*/*.jsonl", "books/*/*.damaged", "status/*.json", "status/*.seen",
               "status/*.prom", "warehouse.json", "backups.json", "restored.json", "memory/*.json"),
    ),
    *FILES,
)  # fmt: skip


def known_columns() -> dict[str, set[str]]:
    """The columns that the register has of each table of a region's file."""
    return {table: set(columns.split()) for one in REGISTER for table, columns in one.tables.items()}


def as_markdown(settings: Settings) -> str:
    """The register for people, with the periods of `settings`."""
    lines = [
        "# Register of processing",
        "",
        "Made by `make docs` from what enforces it: `romi audit` holds a running warehouse to this list, and periods"
        " are those of the configuration (here the defaults).",
    ]
    for one in REGISTER:
        period = "as long as the warehouse"
        if one.period:
            period = f"{getattr(settings.retention, one.period)} days (`retention.{one.period}`)"
        lines += [
            "", f"## {one.name}", "", one.what, "",
            f"- **Why**: {one.why}", f"- **Basis**: {one.basis}", f"- **How long**: {period}",
            f"- **Who sees it**: {one.who}", f"- **About persons**: {'yes, by pseudonym' if one.is_personal else 'no'}",
        ]  # fmt: skip
        if one.files:
            lines.append(f"- **Files**: {', '.join(f'`{name}`' for name in one.files)}")
        if one.tables:
            lines += ["", "| table | columns |", "| --- | --- |"]
            lines += [
                f"| `{table}` | {', '.join(columns.split())} |" for table, columns in sorted(one.tables.items())
            ]  # fmt: skip
    lines += ["", "## Published columns", "", "See the [data dictionary](data_dictionary.md).", ""]
    return "\n".join(lines)


def unused_periods() -> set[str]:
    """Keys of `retention` that no class of the register goes by."""
    return set(Retention.model_fields) - {one.period for one in REGISTER}


if __name__ == "__main__":
    print(as_markdown(Settings()), end="")
