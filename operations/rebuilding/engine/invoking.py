"""One command of dbt in this process, and what it could not do as an error of ours."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

from operations.rebuilding.engine import project
from operations.rebuilding.engine.built import Hearing
from operations.rebuilding.engine.errors import Cause, ModelError, cause_of
from operations.rebuilding.engine.lean_dbt import lean
from settings.without_pandas import let_pandas_in


def invoke(
    region: str, target: Path, manifest: Any, told: dict[str, Any], command: list[str],
    hearing: Hearing | None = None, engine: str = project.DUCKDB,
) -> Any:  # fmt: skip
    """dbt's result of a command in which nothing failed.

    Args:
        target: the folder that dbt may write to.
        manifest: the project as it is parsed for the engine.
        told: dbt's variables.

    Raises:
        ModelError: a node failed, or dbt did not come to that.
    """
    let_pandas_in()  # dbt writes the tables of Python models with it, whatever they are made of
    from dbt.cli.main import dbtRunner

    arguments = [*command, *project.places(target, engine), "--vars", json.dumps(told)]
    with lean():
        gc.freeze()  # dbt's objects live as long as the build: to go through all of them takes 0.2 s each time
        try:
            invoked = dbtRunner(manifest=manifest, callbacks=[hearing.hear] if hearing else []).invoke(arguments)
        finally:
            gc.unfreeze()
    results = getattr(invoked.result, "results", None) or []
    failures = [one for one in results if str(one.status) in ("error", "runtime error")]
    if failures:
        causes = [_cause(one, manifest) for one in failures]
        raise ModelError(region, [one.node.name for one in failures], causes)
    if not invoked.success:
        said = [cause_of(str(invoked.exception), project.DBT_PROJECT)] if invoked.exception else []
        raise ModelError(region, [], said)
    return invoked.result


def _cause(failure: Any, manifest: Any) -> Cause:
    return cause_of(str(failure.message), project.DBT_PROJECT, _files_of(failure.node, manifest))


def _files_of(node: Any, manifest: Any) -> list[str]:
    """The files that a node's SQL is made of: its own, those of ephemeral models that stand in it, and of macros."""
    nodes, seen = [node], {node.unique_id}
    for one in nodes:
        for name in one.depends_on.nodes:
            above = manifest.nodes.get(name)
            if above and name not in seen and above.config.materialized == "ephemeral":
                seen.add(name)
                nodes.append(above)
    macros = list(dict.fromkeys(name for one in nodes for name in one.depends_on.macros))
    for name in macros:
        macros += [other for other in manifest.macros[name].depends_on.macros if other not in macros]
    own = [manifest.macros[name] for name in macros if manifest.macros[name].package_name == node.package_name]
    return list(dict.fromkeys(one.original_file_path for one in (*nodes, *own)))
