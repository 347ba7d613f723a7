"""Code without what changes none of its results, so that two states of it can be compared."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

VERSION = f"1 {version('sqlglot')}"  # of the forms: another one compares with none that was kept
_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.S)


def of_template(text: str) -> str:
    """A Jinja template without its comments and whitespace."""
    return " ".join(_JINJA_COMMENT.sub("", text).split())


def of_python(text: str) -> str:
    """A module without comments and docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.dump(tree)


def digest(*texts: str) -> str:
    """A short name of texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def modules_of(text: str, root: Path, packages: tuple[str, ...]) -> list[Path]:
    """The files of `packages`, folders of `root`, that a module imports, and those that they import in turn."""
    found: dict[Path, None] = {}
    todo = [text]
    for source in todo:
        for path in _imported(source, root, packages):
            if path not in found:
                found[path] = None
                todo.append(path.read_text())
    return sorted(found)


@lru_cache(maxsize=256)
def _imported(text: str, root: Path, packages: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(_imports(text, root, packages))


def _imports(text: str, root: Path, packages: tuple[str, ...]) -> Iterator[Path]:
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
        for name in names:
            if name.partition(".")[0] not in packages:
                continue
            place = root.joinpath(*name.split("."))
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if path.is_file():
                    yield path


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
