"""The books of each region's file that models read, and the backlog's history: who writes them, and what for."""

import dagster as dg

from operations.rebuilding.engine import manifest

_HISTORY = (
    "How deep the backlog of each topic was at each commit and look of the sensor: archives, records, bytes, age of the"
    " oldest, time to clear, known loss, and records an hour that arrived and were loaded. Each load goes on with it."
)
_WRITTEN_BY = "Written by the load, the gate and requests of persons, in the region's file; models only read it."


@dg.definitions
def books() -> dg.Definitions:
    found = {
        one["name"]: f"{one['description']} {_WRITTEN_BY}"
        for one in manifest()["sources"].values() if one["schema"] == "ops"
    }  # fmt: skip
    found["backlog_history"] = _HISTORY
    return dg.Definitions(assets=[
        dg.AssetSpec(
            ["ops", name], group_name="ops", kinds={"duckdb", "python"}, owners=["team:data-platform"],
            description=description, deps=[["raw", "events"]] if name == "backlog_history" else [],
        )
        for name, description in sorted(found.items())
    ])  # fmt: skip
