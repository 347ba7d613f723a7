"""SQL without what changes none of its results. SQLGlot takes long to import, so only a new state brings it in."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.serde import COMMENTS, META, dump

_ABOUT_TEXT = (COMMENTS, META)  # the places of words among it


def of_sql(text: str) -> str:
    """Statements without comments, whitespace, the case of keywords, and the names of CTEs and of aliases of tables."""
    trees = [tree for tree in sqlglot.parse(text, dialect="duckdb") if tree is not None]
    return repr([_of_tree(tree) for tree in trees])


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
