"""What a run came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from operations.incidents import causes
from operations.incidents.findings import Finding


@dataclass
class Outcome:
    """What a run came to."""

    run_id: str | None = None  # by which logs, Dagster, dbt and incidents know it
    regions: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    withheld: dict[str, dict[str, str]] = field(default_factory=dict)
    rebuilt_days: int = 0
    version: int | None = None  # None where nothing differs from what is published
    pinned: int | None = None  # a version that a rollback pinned: nothing is published over it
    keys_made: str | None = None  # where keys were made, if this run made them
    migrated: list[str] = field(default_factory=list)  # what brought the warehouse to this release's format
    warnings: list[str] = field(default_factory=list)  # what somebody should look at, though it fails nothing
    notes: list[str] = field(default_factory=list)  # what it did that nobody has to look at
    findings: list[Finding] = field(default_factory=list)  # the causes of what failed
    incidents: list[str] = field(default_factory=list)  # those that it opened or closed, a line each

    @property
    def exit_code(self) -> int:
        return 1 if self.failures else 3 if self.withheld else 0

    def fail(self, what: str, text: str, error_class: str | None = None) -> None:
        """Note that a step failed, without ending the run.

        Args:
            what: the step, with its region before it: ``eu: ingest``.
            text: what its error says.
            error_class: the name of the error's class, where it is known.
        """
        region, _, step = what.rpartition(": ")
        self.failures.append(f"{what}: {text}")
        self.findings.append(causes.of_failure(text, region or None, step.partition(" ")[0], error_class))
