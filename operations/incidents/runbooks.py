"""What to do about each kind of incident, in words, with the command or Dagster job that carries it out.

``python -m operations.incidents.runbooks`` writes docs/runbooks.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from operations.incidents.findings import Kind
from settings.incidents import Response


@dataclass(frozen=True)
class Runbook:
    """`command` is what mends it most often, and `job` the same in Dagster; `automatic` may do it unasked."""

    title: str
    means: str
    steps: tuple[str, ...]
    command: str = ""
    job: str = ""
    automatic: Response | None = None


RUNBOOKS: dict[Kind, Runbook] = {
    Kind.FAILED_RUN: Runbook(
        "A run failed",
        "A step of a run ended in an error. What was published stands; days that it did not reach wait for the"
        " next run.",
        (
            "Read the error: `romi incidents show N` has it, and the run in the Dagster UI has what went before.",
            "If it names a file of yours, mend that. If it names a model, `romi publish list` says which version is"
            " shown meanwhile.",
            "Run again. It goes on where the failed one ended, and the incident closes when it comes through.",
        ),
        "`romi run`", "ingest, then the sensors", "rebuild",
    ),
    Kind.WITHHELD: Runbook(
        "Days are withheld",
        "A blocking check found these days not right to publish. Their last good rows stand, and all other days are"
        " published.",
        (
            "Read the reason of the days: `romi status`, or `finance.reconciliation_daily` for the orders that differ.",
            "`stale_rate`: land a newer file of reference rates. `orders_do_not_meet`: have both sides send the same"
            " order number. `accuracy`: look for an archive or a ledger file that is missing.",
            "If one order or record is to blame, set it aside: `romi quarantine add`.",
            "Run again. Where only a tolerance was changed, rebuild the days.",
        ),
        "`romi backfill --from DATE --to DATE`", "rebuild", "rebuild",
    ),
    Kind.CORRUPT_ARCHIVES: Runbook(
        "Archives cannot be read whole",
        "Nothing was loaded of these files, so that no part of one is counted. Each is tried again when it changes, and"
        " from the region's replica where there is one.",
        (
            "`romi files list` names them with what is wrong. Many at once come of one writer: ask for its disk and its"
            " last deployment.",
            "Ask upstream to write them anew under the same names.",
            "If they are lost for good, say so with `romi incidents resolve N`: these files are lived with from"
            " then on.",
        ),
        "`romi run`", "ingest", "failover",
    ),
    Kind.LATE_REGION: Runbook(
        "A region is late",
        "A region has not landed what it usually has by this hour. Its rows are not final, and other regions go on.",
        (
            "Look whether its sink still writes: the newest file below its folder of the landing zone.",
            "If only its primary is down, its replica serves it where `regions.<region>.replica` names one.",
            "When it lands again, a run catches up by itself and books what it restates.",
        ),
        "`romi run`", "ingest", "failover",
    ),
    Kind.BACKLOG: Runbook(
        "Archives wait to be loaded",
        "More waits, or for longer, than is usual for this region, weekday and hour.",
        (
            "`romi status` shows depth, oldest age, arrival and drain rate.",
            "If nothing lands, ask for the queue upstream. If much lands at once, let the recovery work: newest"
            " complete"
            " day first.",
            "If it does not drain, look for a run that fails or a lock that is held.",
        ),
        "`romi run`", "ingest", "rebuild",
    ),
    Kind.FAILOVER: Runbook(
        "A replica serves a region",
        "An archive of the primary was missing or corrupt by its checksum, and the replica's copy was loaded in"
        " its place.",
        (
            "Nothing is lost. Find out what became of the primary, since the replica is now the only copy.",
            "Copy the files back to the primary under their names; equal contents are not loaded twice.",
        ),
        "", "", "failover",
    ),
    Kind.BURN_RATE: Runbook(
        "An error budget burns too fast",
        "A service level was missed so often of late that its budget will not last. A page burns within days, a ticket"
        " within the month.",
        (
            "Look at its days: `select * from finance.slo_daily where slo = '…' order by date desc`.",
            "Freshness and latency follow from runs that fail, wait or do not start; accuracy from what landed;"
            " availability from the disk that readers read.",
            "It closes when the short window is quiet again.",
        ),
        "`romi status`",
    ),
    Kind.MEMORY: Runbook(
        "The warehouse has less than it must have",
        "A file, a book, a key or an archive that was there is not. The region stops, and its last good rows stay"
        " published.",
        (
            "`romi doctor` says what is missing and what mends it. Do not delete anything first.",
            "Put it back from a backup: `romi restore DIR`, or only the file that it names.",
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
            "Let it end, or end it: every step can be killed and repeated.",
            "Run again.",
        ),
        "`romi run`", "", "rebuild",
    ),
    Kind.DISK_FULL: Runbook(
        "The disk is full",
        "Nothing more can be written. What was committed stays, and what is published can be read.",
        (
            "Make room: `romi retention apply --dry-run` says what is past its period, `romi doctor` what is"
            " left over.",
            "A region's file needs as much room again when it is written anew.",
            "Run again.",
        ),
        "`romi retention apply`", "retention", None,
    ),
    Kind.OUT_OF_MEMORY: Runbook(
        "Memory does not suffice",
        "The database was denied memory, by the machine or by a limit of its container.",
        (
            "Look for a neighbour that took it, or raise the limit: a million events need about 1.5 GB.",
            "Run again. If it comes again, rebuild fewer days at once.",
        ),
        "`romi backfill --from DATE --to DATE`", "rebuild", None,
    ),
    Kind.UNREADABLE: Runbook(
        "A folder cannot be read",
        "The landing zone, or a folder of the warehouse, cannot be listed or read: a right, a mount or the network.",
        (
            "List it as the account that runs `romi` does. An unmounted disk shows an empty folder.",
            "Mend the right or the mount. No archive is blamed for it.",
            "Run again.",
        ),
        "`romi run`",
    ),
    Kind.JOURNAL: Runbook(
        "Dagster's history was damaged",
        "The database of the UI's runs could not be read, so it was set aside and made anew. No figure depends on it.",
        (
            "What was set aside lies in `dagster/damaged` of the warehouse.",
            "A disk that damages one file damages others: `romi doctor` reads all of them.",
        ),
        "`romi doctor`",
    ),
    Kind.CLOCK: Runbook(
        "The clock has jumped",
        "The machine's clock is behind what is already booked, so that ages and rates would be wrong.",
        (
            "Set the clock, best by NTP.",
            "Records are judged by their own times; what was booked while it was wrong keeps its moments.",
        ),
        "`romi doctor`",
    ),
    Kind.BACKUP_FAILED: Runbook(
        "There is no fresh backup",
        "The last backup could not be made, did not come back on trial, or is overdue.",
        (
            "`romi status` names the problem. Look at the room and the rights of the folder of backups.",
            "Make one: it is restored on trial, and the incident closes with the next run.",
        ),
        "`romi backup`", "backup",
    ),
    Kind.NOTICES_UNDELIVERABLE: Runbook(
        "Notices do not arrive",
        "An address did not take a notice three times. What was not delivered is kept, and tried again within"
        " the hour.",
        (
            "`romi incidents show N` names the address. Its secret stands in the environment or in the notices file.",
            "Mend it; the next try sends what waits.",
        ),
        "`romi incidents tell`",
    ),
    Kind.BREACH: Runbook(
        "Personal data may have got out",
        "Somebody may have seen, lost or changed personal data who should not have. From the moment you know of it, 72"
        " hours are left to tell the supervisory authority (Art. 33 GDPR); the incident shows until when.",
        (
            "Hour 0: name the commander, and acknowledge. Write down what is known and since when; the book keeps it.",
            "Contain: take the copy, the account or the key out of reach. A pseudonym key that may be known is"
            " replaced by"
            " `romi keys rotate`; change the storage key's place and rights.",
            "Assess: which regions, which classes of data, how many persons. docs/register_of_processing.md says"
            " what is"
            " where; published tables are k-anonymous, a region's file holds pseudonyms, the keys tell whose.",
            "Hour 24: decide with the data protection officer whether persons are at risk. Pseudonyms without the keys"
            " name nobody; with them they do.",
            "Hour 72 at the latest: tell the supervisory authority what happened, how many persons and records,"
            " what may"
            " follow, and what was done. What is not known yet is told later, and the delay explained.",
            "Where the risk for persons is high, tell them as well (Art. 34), without delay.",
            "Afterwards: `romi incidents review N` for the file, and close with what was decided.",
        ),
        "`romi keys rotate`",
    ),
    Kind.OTHER: Runbook(
        "Found by a person",
        "Somebody saw what no check looks for.",
        ("Say what was seen with `romi incidents open other`.", "Resolve it by hand when it is mended."),
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
        " one of an"
        " incident, and notices link here. Made by `make docs`.",
    ]
    for kind, one in RUNBOOKS.items():
        lines += ["", f"## {one.title}", "", f"`{kind}`. {one.means}", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(one.steps, 1)]
        told = [f"Command: {one.command}." if one.command else "", f"Dagster job: {one.job}." if one.job else ""]
        if one.automatic:
            told.append(f"By itself where `incidents.automatic` has `{one.automatic}`.")
        if any(told):
            lines += ["", " ".join(part for part in told if part)]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(as_markdown(), end="")
