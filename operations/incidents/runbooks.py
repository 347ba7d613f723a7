"""What to do about each kind of incident, in words, with the command or Dagster job that carries it out.

``python -m operations.incidents.runbooks`` writes docs/runbooks.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from operations.incidents.findings import Kind
from settings.incidents import Response


@dataclass(frozen=True)
class Runbook:
    """`command` is what mends it most often, and `job` the same in Dagster; `automatic` is what may be done unasked."""

    title: str
    means: str
    steps: tuple[str, ...]
    command: str = ""
    job: str = ""
    automatic: tuple[Response, ...] = ()


RUNBOOKS: dict[Kind, Runbook] = {
    Kind.FAILED_RUN: Runbook(
        "A run failed",
        "A step of a run ended in an error. What was published stands; days that it did not reach wait for the"
        " next run.",
        (
            "Read the error: `romi incidents show N` shows it, and the run in the Dagster UI shows what went before.",
            "If it names a file of yours, correct that file. If it names a model, `romi publish list` says which"
            " version readers see meanwhile.",
            "Run again. It goes on where the failed one stopped, and the incident closes when it succeeds.",
        ),
        "`romi run`", "ingest, then the sensors",
    ),
    Kind.WITHHELD: Runbook(
        "Days are withheld",
        "A blocking check found that these days are not fit to publish. Their last good rows stand, and all other days"
        " are published.",
        (
            "Find the reason in `romi status`, and the orders that differ in `finance.reconciliation_daily`.",
            "`stale_rate`: land a newer file of reference rates. `orders_do_not_meet`: have both sides send the same"
            " order number. `accuracy`: look for an archive or a ledger file that is missing.",
            "Set one order or record that is to blame aside: `romi quarantine add`. Refused records that can be read by"
            " now: `romi dead-letters replay`.",
            "Run again. Where only a tolerance was changed, rebuild the days.",
        ),
        "`romi backfill --from DATE --to DATE`", "rebuild", ("replay", "rebuild"),
    ),
    Kind.CORRUPT_ARCHIVES: Runbook(
        "Archives cannot be read whole",
        "Nothing was loaded of these files, so that no part of one is counted. Each is tried again when it changes, and"
        " from the region's replica where there is one.",
        (
            "`romi files list` names them and what is wrong. Many at once usually come from one writer: check its disk"
            " and its last deployment.",
            "Ask upstream to write them again under the same names.",
            "If they are lost for good, say so with `romi incidents resolve N --note …`: the loss of these files is"
            " accepted from then on.",
        ),
        "`romi run`", "ingest", ("failover",),
    ),
    Kind.LATE_REGION: Runbook(
        "A region is late",
        "A region has not delivered what it usually has by this hour. Its rows are not final; other regions go on.",
        (
            "Check whether its sink still writes: look at the newest file in its folder of the landing zone.",
            "If only its primary is down, its replica serves it where `regions.<region>.replica` names one.",
            "When files arrive again, a run catches up by itself and books what it restates.",
        ),
        "`romi run`", "ingest", ("failover",),
    ),
    Kind.BACKLOG: Runbook(
        "Archives wait to be loaded",
        "More archives wait, or they have waited longer, than is usual for this region, weekday and hour.",
        (
            "`romi status` shows the depth, the age of the oldest, and the arrival and drain rates.",
            "If nothing lands, ask about the queue upstream. If much lands at once, `romi recover` works it off, the"
            " newest days first.",
            "If it does not drain, look for a run that fails or a lock that is held.",
        ),
        "`romi run`", "ingest",
    ),
    Kind.FAILOVER: Runbook(
        "A replica serves a region",
        "An archive of the primary was missing or corrupt by its checksum, so the replica's copy was loaded.",
        (
            "Nothing is lost. Find out what happened to the primary, since the replica is now the only copy.",
            "Copy the files back to the primary under their names; files with equal contents are not loaded twice.",
        ),
        "", "", ("failover",),
    ),
    Kind.BURN_RATE: Runbook(
        "An error budget burns too fast",
        "A service level has lately been missed so often that its budget will not last. At the rate of a page it is"
        " gone within days, at that of a ticket within the month.",
        (
            "Look at its days: `select * from finance.slo_daily where slo = '…' order by date desc`.",
            "Freshness and latency depend on runs that fail, wait or do not start; accuracy on what landed;"
            " availability on the disk that readers use.",
            "The incident closes when the short window is quiet again.",
        ),
        "`romi status`",
    ),
    Kind.MEMORY: Runbook(
        "The warehouse has less than it must have",
        "A file, a book, a key or an archive that was there is not. The region stops, and its last good rows stay"
        " published.",
        (
            "`romi doctor` says what is missing and how to repair it. Do not delete anything before that.",
            "Put it back from a backup: all of it with `romi restore DIR`, or only the file that is named.",
            "Only if it is lost for good, `romi accept-loss` books it and the region goes on without it.",
        ),
        "`romi doctor`", "backup (to restore: `romi restore`)",
    ),
    Kind.LOCK: Runbook(
        "Another process holds a file",
        "A region's file or the warehouse was held by another process for longer than a run waits.",
        (
            "The file `.lock` in the warehouse names the process that holds it, and since when. A notebook or database"
            " client that opened a region's file holds it too.",
            "Wait for that process to end, or end it: every step can be killed and repeated.",
            "Run again.",
        ),
        "`romi run`",
    ),
    Kind.DISK_FULL: Runbook(
        "The disk is full",
        "Nothing more can be written. What was committed stays, and what is published can be read.",
        (
            "Make room: `romi retention apply --dry-run` says what is past its period, `romi doctor` what killed"
            " commands left behind.",
            "Rewriting a region's file needs as much free space as the file has now.",
            "Run again.",
        ),
        "`romi retention apply`", "retention",
    ),
    Kind.OUT_OF_MEMORY: Runbook(
        "Memory ran out",
        "The database was denied memory, by the machine or by a limit of its container.",
        (
            "Look for another process that took it, or raise the limit: a million events need about 1.5 GB.",
            "Run again. If it happens again, rebuild fewer days at once.",
        ),
        "`romi backfill --from DATE --to DATE`", "rebuild",
    ),
    Kind.UNREADABLE: Runbook(
        "A folder cannot be read",
        "The landing zone, or a folder of the warehouse, cannot be listed or read, because of its permissions, a mount"
        " or the network.",
        (
            "List it under the account that runs `romi`. A disk that is not mounted shows as an empty folder.",
            "Correct the permissions or the mount. No archive is marked corrupt because of it.",
            "Run again.",
        ),
        "`romi run`",
    ),
    Kind.JOURNAL: Runbook(
        "Dagster's history was damaged",
        "The database of the UI's runs could not be read, so it was set aside and replaced by a new one. No figure"
        " depends on it.",
        (
            "The damaged one is in `dagster/damaged` of the warehouse.",
            "A disk that damages one file may damage others: `romi doctor` reads all of them.",
        ),
        "`romi doctor`",
    ),
    Kind.CLOCK: Runbook(
        "The clock has jumped",
        "The machine's clock is behind what is already booked, so that ages and rates would be wrong.",
        (
            "Set the clock, preferably by NTP. What was late only by a clock that was ahead counts as part of this.",
            "Records are judged by their own times; what was booked while the clock was wrong keeps its times.",
        ),
        "`romi doctor`",
    ),
    Kind.BACKUP_FAILED: Runbook(
        "There is no fresh backup",
        "The last backup could not be made, did not come back on trial, or is overdue.",
        (
            "`romi status` names the problem. Check the free space and the permissions of the backup folder.",
            "Make a backup: it is restored on trial, and the incident closes with the next run.",
        ),
        "`romi backup`", "backup",
    ),
    Kind.NOTICES_UNDELIVERABLE: Runbook(
        "Notices do not arrive",
        "An address refused a notice three times. What was not delivered is kept, and tried again within the hour.",
        (
            "`romi incidents show N` names the address. Its secret is in the environment or in the notices file.",
            "Correct it; the next try sends what waits.",
        ),
        "`romi incidents tell`",
    ),
    Kind.BREACH: Runbook(
        "Personal data may have got out",
        "Personal data may have been seen, changed or lost without authority. From the moment you know of it, you have"
        " 72 hours to tell the supervisory authority (Art. 33 GDPR); the incident shows the deadline.",
        (
            "Hour 0: name the commander, and acknowledge. Write down what is known and since when; the book keeps it.",
            "Contain: take the copy, the account or the key out of reach. If a pseudonym key may be known, replace it"
            " with `romi keys rotate`; if a storage key may be, move it and restrict who can read it.",
            "Assess: which regions, which classes of data, how many persons. docs/register_of_processing.md says"
            " what is where; published tables are k-anonymous, a region's file holds pseudonyms, and the keys link"
            " them to persons.",
            "Hour 24: decide with the data protection officer whether persons are at risk. Pseudonyms identify nobody"
            " without the keys; with them they do.",
            "Hour 72 at the latest: tell the supervisory authority what happened, how many persons and records are"
            " concerned, what may follow, and what was done. Report what is not known yet later, with the reason.",
            "Where the risk to persons is high, tell them as well (Art. 34), without delay.",
            "Afterwards: write the review with `romi incidents review N`, and close with what was decided.",
        ),
        "`romi keys rotate`",
    ),
    Kind.OTHER: Runbook(
        "Found by a person",
        "Somebody saw something that no check looks for.",
        ("Say what was seen: `romi incidents open other --what …`.", "Resolve it by hand when it is put right."),
    ),
}  # fmt: skip


def anchor(kind: Kind) -> str:
    """Of the kind's heading in docs/runbooks.md."""
    return RUNBOOKS[kind].title.lower().replace("'", "").replace(" ", "-")


def as_markdown() -> str:
    lines = [
        "# Runbooks",
        "",
        "What to do about each kind of [incident](operations.md#incidents). `romi incidents show N` prints the"
        " runbook of an incident, and notices link here. Made by `make docs`.",
    ]
    for kind, one in RUNBOOKS.items():
        lines += ["", f"## {one.title}", "", f"`{kind}`. {one.means}", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(one.steps, 1)]
        told = [f"Command: {one.command}." if one.command else "", f"Dagster job: {one.job}." if one.job else ""]
        if one.automatic:
            told.append(f"By itself where `incidents.automatic` has it: {', '.join(one.automatic)}.")
        if any(told):
            lines += ["", " ".join(part for part in told if part)]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(as_markdown(), end="")
