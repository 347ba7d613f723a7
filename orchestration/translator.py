"""From dbt's nodes to Dagster's assets and checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject

from orchestration.partitions import region_days

_OWNERS = {"raw": "team:data-platform", "finance": "team:finance-analytics"}


class Translator(DagsterDbtTranslator):
    """Asset key = [schema, table]; the group is the layer; all is partitioned by day and region."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        props = self.get_resource_props(manifest, unique_id)
        layer: str = props.get("schema") or props["source_name"]
        return super().get_asset_spec(manifest, unique_id, project).replace_attributes(
            key=dg.AssetKey([layer, props["name"]]),
            group_name=layer,
            kinds={"duckdb", "dbt"},
            owners=[_OWNERS.get(layer, "team:analytics-engineering")],
        )  # fmt: skip

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        # A failing test withholds its days at publishing; stopping the run would hide what else is wrong with them.
        meaning = self.get_resource_props(manifest, unique_id).get("description")
        return spec and spec._replace(
            blocking=False, description=meaning or spec.description, partitions_def=asset_spec.partitions_def
        )

    def get_partitions_def(self, dbt_resource_props: Mapping[str, Any]) -> dg.PartitionsDefinition | None:
        return region_days  # a table that is built whole, too, is built in a region and in the course of its days
