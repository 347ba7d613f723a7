"""The house: who imports whom, and who may know of Dagster."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
LAYERS = [
    "settings",
    "privacy",
    "ingestion",
    "quality",
    "operations",
    "orchestration",
]  # each may import those before it
LONGEST_FILE, LONGEST_FUNCTION = 250, 40  # lines
# What is longer all the same; the list only shrinks.
LONGER_FILES = {
    "ingestion/sources/tabular/table.py",
    "operations/incidents/runbooks.py",  # prose
    "orchestration/cli/main.py",  # the names of all commands, and little else
    "quality/step_tables.py",
}


def _sources():
    for layer in LAYERS:
        path = ROOT / layer
        for file in path.rglob("*.py"):
            yield layer, file


def _imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def test_imports_go_one_way_through_the_layers():
    upward = {
        f"{file.relative_to(ROOT)} imports {name}"
        for layer, file in _sources()
        for name in _imported(file)
        if name in LAYERS and LAYERS.index(name) > LAYERS.index(layer)
    }
    assert not upward


def test_only_orchestration_imports_dagster():
    strays = {
        str(file.relative_to(ROOT))
        for layer, file in _sources()
        if layer != "orchestration" and any(name.startswith("dagster") for name in _imported(file))
    }
    assert not strays


def test_only_one_module_writes_files_that_must_survive():
    writers = {str(file.relative_to(ROOT)) for _, file in _sources() if "fsync" in file.read_text()}
    assert writers == {"settings/durable.py"}


def test_locks_are_those_of_filelock():
    assert not {str(file.relative_to(ROOT)) for _, file in _sources() if "fcntl" in _imported(file)}


def test_models_in_python_import_one_module_of_ours_that_says_so():
    for file in sorted((ROOT / "dbt_project").rglob("*.py")):
        doors = set()
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            modules = [f"{node.module}.{name}" for name in names] if isinstance(node, ast.ImportFrom) else names
            doors |= {name for name in modules if name.partition(".")[0] in LAYERS}
        assert len(doors) <= 1, file
        for door in doors:
            said = ast.get_docstring(ast.parse((ROOT / door.replace(".", "/")).with_suffix(".py").read_text()))
            assert "dbt's Python model" in (said or "")


def _functions(file: Path):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_and_functions_stay_short_enough_to_be_read_at_once():
    files = [*(ROOT / "benchmarks").rglob("*.py"), *(file for _, file in _sources())]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert not {name for name, length in lengths.items() if length > LONGEST_FILE} - LONGER_FILES
    long = {
        f"{file.relative_to(ROOT)}:{name}" for file in files for name, length in _functions(file)
        if length > LONGEST_FUNCTION
    }  # fmt: skip
    assert not long


def test_top_level_holds_nothing_but_the_rooms_of_the_house():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    top = {Path(line).parts[0] for line in listed.splitlines()}
    rooms = {*LAYERS, "dbt_project", "tests", "benchmarks", "docs"}
    files = {"workspace.yaml", "pyproject.toml", "Makefile", "requirements.lock"}
    assert {name for name in top if not name.startswith(".")} <= rooms | files | {
        "README.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "CHANGELOG.md",
    }
