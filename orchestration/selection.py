"""Which assets a run has to select."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from operations.rebuilding.engine import Graph, manifest

_JUDGEMENT = dg.AssetKey(["finance", "reconciliation_daily"])


def rebuild_of(tables: Iterable[str]) -> list[dg.AssetKey]:
    """The assets of a run that rebuilds tables, and judges the days; of none, it judges them."""
    nodes = manifest()
    schemas = {node["name"]: node["schema"] for node in nodes["nodes"].values()}
    return [*(dg.AssetKey([schemas[name], name]) for name in sorted(Graph.of(nodes).to_build(tables))), _JUDGEMENT]
