"""pandas, held off where nobody has a frame of it.

DuckDB imports it at the first parameter of a query, and Arrow at the first array, only to see whether the value is one
of its own: some 0.3 s of a run with nothing new.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Absent(MetaPathFinder, Loader):
    """Finds pandas first, and cannot load it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "pandas" else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        raise ModuleNotFoundError(f"{spec.name} is held off", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Never called, as there is none."""


_absent = _Absent()


@contextmanager
def without_pandas() -> Iterator[None]:
    """While the body runs, those who can do without pandas do not import it."""
    sys.meta_path.insert(0, _absent)
    try:
        yield
    finally:
        let_pandas_in()


def let_pandas_in() -> None:
    """From now on it can be imported, for a library that cannot do without it."""
    while _absent in sys.meta_path:
        sys.meta_path.remove(_absent)
