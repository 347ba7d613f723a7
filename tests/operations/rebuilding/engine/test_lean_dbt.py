"""What of dbt is replaced while a build runs, against dbt's own."""

from __future__ import annotations

import pytest
from dbt import compilation
from dbt.compilation import InjectedCTE, inject_ctes_into_sql
from dbt.contracts.graph.nodes import ParsedNode

from operations.rebuilding.engine.lean_dbt import lean, with_ctes

CTES = [
    InjectedCTE("one", " __dbt__cte__one as (\nselect 1 as a -- a comment, with a comma\n)"),
    InjectedCTE("two", " __dbt__cte__two as (\nwith inner_one as (select ';' as b) select * from inner_one\n)"),
]


def words(sql: str) -> list[str]:
    return sql.replace(",", " , ").split()


@pytest.mark.parametrize(
    "sql",
    [
        "select * from __dbt__cte__one",
        "\n\n  with own as (select 1) select * from own",
        "WITH own as (select 1) select * from own",
        "with\n    recursive own as (select 1 union all select a + 1 from own) select * from own",
        "-- with a comment first\n/* and\nanother, with (parentheses) */\nwith own as (select 1) select * from own",
        "/* only a comment */ select * from __dbt__cte__one",
        "with_margin",
        "(select 1) union all (with own as (select 2) select * from own)",
        "select 'with own as (select 1)' as text",
    ],
)
def test_ctes_stand_where_dbt_puts_them(sql):
    assert words(with_ctes(sql, CTES)) == words(inject_ctes_into_sql(sql, CTES))
    assert with_ctes(sql, []) == sql == inject_ctes_into_sql(sql, [])


def test_dbts_own_functions_are_back_after_a_build_that_failed():
    before = compilation.inject_ctes_into_sql, ParsedNode.write_node
    with lean():
        assert compilation.inject_ctes_into_sql is with_ctes
        assert ParsedNode.write_node is not before[1]
    with pytest.raises(ZeroDivisionError), lean():
        1 / 0  # noqa: B018
    assert (compilation.inject_ctes_into_sql, ParsedNode.write_node) == before
