"""What people read of each version: the report, written anew once it is published."""

import dagster as dg

from operations.reports import report
from operations.store.versions import current_version, version_dir
from orchestration.automation import POOL
from orchestration.warehouse import Warehouse
from settings import UsageError


@dg.asset(
    key=["published", "report"],
    deps=[["published", "marts"]],
    group_name="published",
    kinds={"html"},
    owners=["team:finance-analytics"],
    pool=POOL,
)
def report_page(warehouse: Warehouse) -> dg.MaterializeResult:
    """`report/report.html`: what was spent, what came back, why it moved and what cannot be known, for people."""
    settings = warehouse.settings
    current, page = current_version(settings), report.report_file(settings)
    if current is None:
        return dg.MaterializeResult(metadata={"is_new": False})
    place = dg.MetadataValue.path(str(page))
    if report.is_of(page, current):
        return dg.MaterializeResult(metadata={"is_new": False, "report": place})
    try:
        written = report.write_report(version_dir(settings, current), page)
    except UsageError as error:  # a version without a month: there is nothing to say yet
        return dg.MaterializeResult(metadata={"is_new": False, "why": str(error)})
    said = "\n".join(f"- **{one.question}** {one.figure} {one.words}" for one in written.answers)
    return dg.MaterializeResult(metadata={
        "is_new": True, "month": f"{written.month:%Y-%m}", "report": place, "first_screen": dg.MetadataValue.md(said),
    })  # fmt: skip
