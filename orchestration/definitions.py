"""Everything Dagster knows of the warehouse, found in the folders of `defs/`."""

from pathlib import Path

import dagster as dg

from orchestration import defs as defs_module

_ROOT = Path(__file__).parent.parent  # of a checkout or of an installed package: only a checkout has a pyproject.toml


@dg.definitions
def defs() -> dg.Definitions:
    return dg.ComponentTree.from_module(defs_module=defs_module, project_root=_ROOT).build_defs()
