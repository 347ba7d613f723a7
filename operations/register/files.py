"""What the register of processing says of versions, closes, logs and other files beside the regions' databases."""

from __future__ import annotations

from operations.register.entry import DUTY, INTEREST, OPERATORS, Processing

FILES = (
    Processing(
        "Published versions", "The tables of finance, k-anonymous, and those released under differential privacy; the"
        " report of the current one.",
        "What the warehouse is for.", INTEREST, "version_days", "finance (finance.*), anyone (released.*)", False, {},
        files=("versions/*/*", "versions/*.json", "report/*"),
    ),
    Processing(
        "Closed months", "The published figures of closed months, their report and workbook, the configuration, and the"
        " names and hashes of the files that they were made of; aggregates as they were published, of no person. Who"
        " closed a month, by account.",
        "What a period was closed with does not change, and can be verified.", DUTY, None,
        "operators and finance", False, {}, files=("closes/*",),
    ),
    Processing(
        "Findings on versions", "Which rules of finance a version kept, in how many rows, regions and periods; the last"
        " examination, and its pages. Counts only.",
        "Quality of what is published.", "not about persons", None, "operators and finance", False, {},
        files=("quality/*",),
    ),
    Processing(
        "Probes", "When what is published was read, and whether it was there.", "Availability.", "not about persons",
        "probe_days", OPERATORS, False, {}, files=("probes/*.jsonl",),
    ),
    Processing(
        "History of the backlog", "How many archives, records and bytes waited when, by region and topic, and how long"
        " work took. Counts only.",
        "To see an outage and how long recovery takes.", "not about persons",
        "probe_days", OPERATORS, False,
        {
            "ops.backlog_history": "at topic archives records bytes oldest_age_seconds seconds_to_clear"
            " known_loss_records arrived_records drained_records arrival_records_per_hour drain_records_per_hour",
        },
        files=("backlog/*.jsonl",),
    ),
    Processing(
        "Logs", "Runs with their events and output, dbt's target. They quote no value of the data.",
        "Operation.", INTEREST, "log_days", OPERATORS, False, {}, files=("dagster/*", "dbt/*"),
    ),
    Processing(
        "Backups",
        "All of the above but logs, without keys; beside the warehouse, or in the folder or object store that"
        " `backup.to` or `--to` names.",
        "Recovery.", INTEREST, "backup_days", OPERATORS, True, {},
    ),
    Processing(
        "On the way",
        "Masked rows between parsing and commit, spilled rows of a query, copies of tables that Spark builds from.",
        "Loading.", INTEREST, None, OPERATORS, True, {}, files=("staging/*",),
    ),
)  # fmt: skip
