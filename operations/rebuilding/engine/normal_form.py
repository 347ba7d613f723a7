"""Code without what changes none of its results, so that two states of it can be compared."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.serde import COMMENTS, META, dump

VERSION = f"1 {sqlglot.__version__}"  # of the forms: another one compares with none that was kept
_ABOUT_TEXT = (COMMENTS, META)  # the places of words among it
_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.S)


def of_sql(text: str) -> str:
    """Statements without comments, whitespace, the case of keywords, and the names of CTEs and of aliases of tables."""
    trees = [tree for tree in sqlglot.parse(text, dialect="duckdb") if tree is not None]
    return repr([_of_tree(tree) for tree in trees])


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


def _of_tree(tree: exp.Expr) -> list[object]:
    renamed = tree.copy()
    try:
        _rename(renamed)
    except SqlglotError:
        renamed = tree  # names that cannot be resolved are compared as they are
    return [{key: value for key, value in node.items() if key not in _ABOUT_TEXT} for node in dump(renamed)]


def _rename(tree: exp.Expr) -> None:
    """Call CTEs and the tables of each select by number, with all that refers to them."""
    if not isinstance(tree, exp.Query):
        return
    scopes = traverse_scope(tree)
    names = {id(cte): f"cte {number}" for number, cte in enumerate(tree.find_all(exp.CTE))}
    number = 0
    for scope in scopes:
        for name, (node, source) in scope.selected_sources.items():
            number += 1
            alias = f"table {number}"
            for column in (*scope.columns, *scope.stars):
                if len(parts := column.parts) > 1 and parts[0].name == name:  # a struct's field has more than two
                    parts[0].replace(exp.to_identifier(alias))
            if isinstance(node, exp.Table) and isinstance(source, Scope):
                cte = source.expression.find_ancestor(exp.CTE)
                node.set("this", exp.to_identifier(names[id(cte)]))
            known = node.args.get("alias")
            columns = known.args.get("columns") if isinstance(known, exp.TableAlias) else None
            node.set("alias", exp.TableAlias(this=exp.to_identifier(alias), columns=columns or []))
    for cte in tree.find_all(exp.CTE):
        cte.args["alias"].set("this", exp.to_identifier(names[id(cte)]))
