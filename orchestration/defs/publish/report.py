"""What people read of each version: the report, written anew once it is published."""

import dagster as dg

from operations.reports import report
from orchestration.automation import POOL
from orchestration.warehouse import Warehouse


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
    written, page = report.refresh(warehouse.settings), report.report_file(warehouse.settings)
    place = {"report": dg.MetadataValue.path(str(page))} if page.exists() else {}
    if written is None:
        return dg.MaterializeResult(metadata={"is_new": False, **place})
    said = "\n".join(f"- **{one.question}** {one.figure} {one.words}" for one in written.answers)
    return dg.MaterializeResult(metadata={
        "is_new": True, "month": f"{written.month:%Y-%m}", **place, "first_screen": dg.MetadataValue.md(said),
    })  # fmt: skip
