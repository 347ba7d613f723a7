"""What people read besides the files follows the published version at once, not only with the next run."""

from __future__ import annotations

from operations.publishing.targets.bucket import upload
from operations.publishing.targets.postgres import deliver
from operations.reports.report import refresh
from operations.store.locks import exclusive
from settings import RomiError, Settings


def hand_on(settings: Settings) -> list[str]:
    """Bring the report, PostgreSQL and the bucket to the version that the files show, for a command that changed it.

    Returns:
        What could not be brought there, and so still shows an earlier version, in words; the next run tries again.

    Raises:
        OSError: the report cannot be written.
    """
    problems = []
    with exclusive(settings):
        refresh(settings)
        for bring in (deliver, upload):
            try:
                bring(settings)
            except RomiError as error:
                problems.append(f"{error}; until then an earlier version is shown there")
    return problems
