"""Everything Dagster knows of the warehouse, found in the folders of `defs/`."""

import warnings
from pathlib import Path

import dagster as dg

from operations.finance_tables.published_tables import FINANCE
from orchestration import defs as defs_module
from orchestration.partitions import region_days, regions

# Dagster says so of each use of what it may still change; its version is pinned, and tests hold what is used.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)

_ROOT = Path(__file__).parent.parent  # of a checkout or of an installed package: only a checkout has a pyproject.toml


@dg.definitions
def defs() -> dg.Definitions:
    return dg.ComponentTree.from_module(defs_module=defs_module, project_root=_ROOT).build_defs()


def defs_without_models() -> dg.Definitions:
    """The jobs `ingest` and `publish` as in :func:`defs`, but of the tables that they only read no more than the names.

    The models bring dbt with them, whose import takes longer than all that a run with nothing new does.
    """
    from orchestration.defs import jobs
    from orchestration.defs.ingest import assets as ingest
    from orchestration.defs.publish import assets as publish
    from orchestration.defs.publish import report
    from orchestration.defs.resources import defs as resources

    own = dg.load_assets_from_modules([ingest, publish, report])
    read = [
        *(dg.AssetSpec(["finance", table.name], partitions_def=region_days) for table in FINANCE),
        dg.AssetSpec(["released", "channel_monthly"], partitions_def=regions),
    ]
    return dg.Definitions.merge(
        resources,
        dg.Definitions(assets=[*own, *read], jobs=[jobs.ingest, jobs.publish]),
    )
