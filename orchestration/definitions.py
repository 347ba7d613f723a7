"""Everything Dagster knows of the warehouse, found in the folders of `defs/`."""

import warnings
from pathlib import Path

import dagster as dg

from orchestration import defs as defs_module

# Dagster says so of each use of what it may still change; its version is pinned, and tests hold what is used.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)

_ROOT = Path(__file__).parent.parent  # of a checkout or of an installed package: only a checkout has a pyproject.toml


@dg.definitions
def defs() -> dg.Definitions:
    return dg.ComponentTree.from_module(defs_module=defs_module, project_root=_ROOT).build_defs()
