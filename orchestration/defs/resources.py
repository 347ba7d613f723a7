"""The one resource: everything else is a file of the warehouse."""

import dagster as dg

from orchestration.warehouse import Warehouse

defs = dg.Definitions(resources={"warehouse": Warehouse()}, executor=dg.in_process_executor)
