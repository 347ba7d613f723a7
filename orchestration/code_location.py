"""What the Dagster UI loads (workspace.yaml): the definitions, on a calendar that begins with the warehouse's data."""

from contextlib import suppress

import dagster as dg

from orchestration import calendar_start
from orchestration.warehouse import Warehouse
from settings import RomiError


@dg.definitions
def defs() -> dg.Definitions:
    with suppress(RomiError):  # where romi.yaml is wrong, whoever starts a run is told
        calendar_start.begin_with(Warehouse().settings)
    from orchestration.definitions import defs as load  # reads the calendar as it is loaded

    return load()
