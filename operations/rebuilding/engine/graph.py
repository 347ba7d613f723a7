"""Which tables are built from which, as the project's manifest has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_KINDS = ("model", "seed", "test")


@dataclass(frozen=True)
class Graph:
    """The tables of a build. What only stands in the SQL of others is left out, and read through.

    `parents` has for each table those that it reads. `passing` are tables that hold no more than a build needs for
    itself: those of dbt's own database, and those of the window alone. `tests` has what each test reads,
    and `carrying` are the tables that keep rows of other windows from one build to the next.
    """

    parents: dict[str, frozenset[str]]
    passing: frozenset[str]
    tests: dict[str, frozenset[str]] = field(default_factory=dict)
    carrying: frozenset[str] = frozenset()

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> Graph:
        """Of what ``manifest.json`` holds."""
        nodes = manifest["nodes"]
        of_kind = {kind: {name for name in nodes if nodes[name]["resource_type"] == kind} for kind in _KINDS}
        built = {name for name in of_kind["model"] | of_kind["seed"] if not _is_ephemeral(nodes[name])}
        parents = {nodes[name]["name"]: frozenset(_read(name, nodes, built)) for name in built}
        tests = {nodes[name]["name"]: frozenset(_read(name, nodes, built)) for name in of_kind["test"]}
        passing, carrying = (
            frozenset(nodes[name]["name"] for name in built if is_so(nodes[name]))
            for is_so in (_is_passing, _is_carrying)
        )
        return cls(parents, passing, tests, carrying)

    @property
    def stored(self) -> frozenset[str]:
        """The tables that keep their rows of all windows."""
        return frozenset(self.parents) - self.passing

    def with_descendants(self, names: Iterable[str]) -> frozenset[str]:
        """Tables, and all that is built from them."""
        found = set(names)
        while more := {child for name in found for child in self._children.get(name, ())} - found:
            found |= more
        return frozenset(found)

    def stored_from(self, names: Iterable[str]) -> frozenset[str]:
        """The stored ones among tables and all that is built from them."""
        return self.with_descendants(names) & self.stored

    def to_build(self, names: Iterable[str]) -> frozenset[str]:
        """Tables and tests, with the passing tables that they read."""
        found = set(names)
        while more := {parent for name in found for parent in self._read_by(name) & self.passing} - found:
            found |= more
        return frozenset(found)

    def read_by(self, names: Iterable[str]) -> frozenset[str]:
        """The stored tables that the building of tables, or the run of tests, reads and does not build."""
        building = self.to_build(names)
        return frozenset(parent for name in building for parent in self._read_by(name)) - building

    def _read_by(self, name: str) -> frozenset[str]:
        return self.parents[name] if name in self.parents else self.tests[name]

    @cached_property
    def _children(self) -> dict[str, set[str]]:
        children: dict[str, set[str]] = {}
        for name, parents in self.parents.items():
            for parent in parents:
                children.setdefault(parent, set()).add(name)
        return children


def _read(name: str, nodes: dict[str, Any], built: set[str]) -> set[str]:
    found: set[str] = set()
    for parent in nodes[name]["depends_on"].get("nodes", ()):
        if parent in built:
            found.add(nodes[parent]["name"])
        elif parent in nodes:
            found |= _read(parent, nodes, built)
    return found - {nodes[name]["name"]}


def _is_ephemeral(node: dict[str, Any]) -> bool:
    return bool(node["config"]["materialized"] == "ephemeral")


def _is_carrying(node: dict[str, Any]) -> bool:
    """A Python model is built as a whole table, but what a hook leaves of it is carried on."""
    config = node["config"]
    return bool(
        config["materialized"] == "incremental" or (config["materialized"] == "table" and config.get("pre-hook"))
    )


def _is_passing(node: dict[str, Any]) -> bool:
    return node["database"] == "memory" or bool(node["config"].get("meta", {}).get("is_of_window"))
