"""The books of each region's file that models read: who writes them, and what for."""

import dagster as dg

from operations.rebuilding.engine import manifest

_WRITTEN_BY = "Written by the load, the gate and requests of persons, in the region's file; models only read it."


@dg.definitions
def books() -> dg.Definitions:
    found = [one for one in manifest()["sources"].values() if one["schema"] == "ops"]
    return dg.Definitions(assets=[
        dg.AssetSpec(
            ["ops", one["name"]], group_name="ops", kinds={"duckdb", "python"}, owners=["team:data-platform"],
            description=f"{one['description']} {_WRITTEN_BY}",
        )
        for one in sorted(found, key=lambda one: one["name"])
    ])  # fmt: skip
