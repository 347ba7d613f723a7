"""A short name for what each table of a build follows from besides the data, to tell two states of the project apart.

Of a model in SQL that is the SQL that it is compiled to, with its hooks, in the configuration of the region; of one in
Python its code with that of the modules it uses; of a seed its content. Comments, descriptions and names of CTEs do not
count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from operations.rebuilding.engine import normal_form, project
from operations.rebuilding.engine.variables import experiment_variables, rule_variables
from settings import Experiment, Settings

Compile = Callable[[dict[str, Any]], dict[str, list[str]]]

# Regions differ in these alone, and models only print them: so that one compilation serves all regions. Where they say
# something else of UTC, it is looked for among what a compilation does not show.
_PRINTED = ("timezone", "margin_rate", "region")
# What a build finds in the region's books; each may be empty, and models say something else then.
_REACHED = ("frozen_through", "kept_through", "sessions_through", "closed_through", "touched_from", "touched_to")
_BRANCHING = re.compile(
    rf"""\bvar\(\s*(?:['"](?:{"|".join(_REACHED)})['"]|[a-z_]+\s*\)|['"]timezone['"]\s*\)\s*[=!]=)"""
)
_DATES = {"channel": "Email", "from": "2026-02-05", "to": "2026-02-20"}
# What is configured of experiments is compared apart, since one day is enough for it.
_EXPERIMENTS = {
    "one": Experiment(**_DATES, control=["a"]),
    "three": Experiment(**_DATES, assignment="geography", control=["a"], pre_days=14),
    "two": Experiment(**_DATES, assignment="pseudonym", control_share="0.5"),
}
_PACKAGES = ("settings", "privacy", "ingestion", "quality", "operations")


def state(settings: Settings, region: str) -> str:
    """Names all that :func:`digests` looks at, at little cost: while it stays, so do they."""
    told, printed = _told(settings, region)
    code = [path.read_text() for path in _modules(_python_of_project())]
    return normal_form.digest(
        project.digest_of_files(), normal_form.VERSION, json.dumps([told, printed], sort_keys=True), *code
    )


def digests(settings: Settings, region: str, compile_models: Compile) -> dict[str, str]:
    """The digest of each table that a build of the region makes.

    Args:
        compile_models: gives the statements of each model in SQL, for the variables that it is told.
    """
    told, printed = _told(settings, region)
    nodes = project.manifest()
    name = f"forms-{normal_form.digest(normal_form.VERSION, json.dumps(told, sort_keys=True))}.json"
    kept = project.kept(name, lambda: json.dumps(_forms(compile_models(told))).encode())
    forms: dict[str, tuple[str, list[str]]] = json.loads(kept)
    found = {}
    for node in nodes["nodes"].values():
        if node["resource_type"] in ("model", "seed") and node["config"]["materialized"] != "ephemeral":
            form, names = forms.get(node["name"], ("", []))
            told_here = [f"{one}={printed[one]}" for one in names]
            found[node["name"]] = normal_form.digest(_kind(node), form or _own(node), *told_here, *_texts(node, nodes))
    return found


def _told(settings: Settings, region: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What models are compiled with: the configured rules, and of all that a build finds a sample."""
    rules = rule_variables(settings, region)
    printed = {"region": region, **{name: rules[name] for name in _PRINTED if name in rules}}
    sample = {
        "from_date": "2026-03-05", "to_date": "2026-03-20",
        **{name: f"2026-02-{number:02}" for number, name in enumerate(_REACHED, 10)},
        "release_model": "linear", "experiments": experiment_variables(_EXPERIMENTS),
    }  # fmt: skip
    return {**rules, **sample, **{name: f"@{name}@" for name in printed}}, printed


def _forms(compiled: dict[str, list[str]]) -> dict[str, tuple[str, list[str]]]:
    """Of each model: the digest of its normal form, and what of `_PRINTED` stands in it."""
    from operations.rebuilding.engine import sql_form

    return {
        model: (
            normal_form.digest(*map(sql_form.of_sql, statements)),
            [name for name in _PRINTED if any(f"@{name}@" in one for one in statements)],
        )
        for model, statements in compiled.items()
    }


def _kind(node: dict[str, Any]) -> str:
    """Where a table is and how it is filled."""
    config = node["config"]
    how = [config.get(key) for key in ("materialized", "incremental_strategy", "unique_key", "column_types")]
    return json.dumps([node["database"], node["schema"], node["name"], how, config.get("meta", {}).get("replaces")])


def _own(node: dict[str, Any]) -> str:
    """What no compilation shows: a seed's content, or a module with those that it uses."""
    if node["resource_type"] == "seed":
        return str(node["checksum"]["checksum"])
    texts = [node["raw_code"], *(path.read_text() for path in _modules([node["raw_code"]]))]
    return normal_form.digest(*map(normal_form.of_python, texts))


def _texts(node: dict[str, Any], manifest: dict[str, Any]) -> list[str]:
    """Templates that say one thing or another by what a build finds, of which a compilation shows one: as they are.

    And those by which the table is filled, which no compilation shows.
    """
    nodes, seen = [node], {node["unique_id"]}
    for one in nodes:
        for name in one["depends_on"].get("nodes", ()):
            above = manifest["nodes"].get(name)
            if above and name not in seen and above["config"]["materialized"] == "ephemeral":
                seen.add(name)
                nodes.append(above)
    filling = f"macro.romi.materialization_{node['config']['materialized']}_duckdb"
    fills = _with_callees([filling] if filling in manifest["macros"] else [], manifest)
    said = [one["raw_code"] for one in nodes if one.get("language") == "sql"]
    said += _with_callees([name for one in nodes for name in one["depends_on"]["macros"]], manifest)
    texts = fills + [text for text in said if _BRANCHING.search(text)]
    return sorted({normal_form.of_template(text) for text in texts})


def _with_callees(names: list[str], manifest: dict[str, Any]) -> list[str]:
    """The project's own macros among these and those that they call, as text."""
    todo = list(dict.fromkeys(names))
    for name in todo:
        todo += [one for one in manifest["macros"][name]["depends_on"]["macros"] if one not in todo]
    return [manifest["macros"][name]["macro_sql"] for name in todo if name.startswith("macro.romi.")]


def _python_of_project() -> list[str]:
    return [path.read_text() for path in sorted(project.DBT_PROJECT.glob("models/**/*.py"))]


def _modules(texts: list[str]) -> list[Any]:
    found = {path for text in texts for path in normal_form.modules_of(text, project.ROOT, _PACKAGES)}
    return sorted(found)
