"""Two texts of code have one form where they give the same results, and two where they may not."""

from __future__ import annotations

import pytest

from operations.rebuilding.engine import normal_form, sql_form

SQL = """
with costs as (select * from raw.spend where spend_on > date '2026-01-01'),
daily as (select costs.day, sum(costs.cents) as cents, max(costs.money.cents) as most from costs group by 1)
select daily.cents, daily.most, (select count(*) from costs where costs.day = daily.day) as n
from daily left join raw.days as days on days.day = daily.day
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("with costs", "-- why\n  WITH   /* and how */ costs"),
        ("costs", "expenses"),
        ("daily", "costs_of_days"),
        ("days", "calendar"),
    ],
)
def test_comments_whitespace_case_and_names_of_ctes_and_aliases_make_no_other_form(old, new):
    edited = SQL.replace(old, new).replace("raw.calendar", "raw.days")
    assert edited != SQL
    assert sql_form.of_sql(edited) == sql_form.of_sql(SQL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-01-01", "2026-01-02"),
        ("raw.spend", "raw.costs"),
        ("as cents", "as amount"),
        ("costs.day = daily.day", "costs.day = costs.day"),
        ("left join", "join"),
        ("money.cents", "money.euros"),
        ("count(*) from costs", "count(*) from daily as costs"),
    ],
)
def test_what_may_change_a_result_makes_another_form(old, new):
    edited = SQL.replace(old, new)
    assert edited != SQL
    assert sql_form.of_sql(edited) != sql_form.of_sql(SQL)


def test_names_that_change_places_keep_their_meaning():
    one = "with a as (select 1 as x), b as (select 2 as x) select a.x - b.x from a, b"
    same = "with b as (select 1 as x), a as (select 2 as x) select b.x - a.x from b, a"
    other = "with b as (select 1 as x), a as (select 2 as x) select a.x - b.x from a, b"
    assert sql_form.of_sql(one) == sql_form.of_sql(same) != sql_form.of_sql(other)


def test_a_module_is_told_by_its_code_alone():
    code = 'def f(x):\n    """Why."""\n    return x + 1  # one more\n'
    assert normal_form.of_python(code) == normal_form.of_python("def f(x):\n    return x + 1\n")
    assert normal_form.of_python(code) != normal_form.of_python(code.replace("1", "2"))


def test_a_template_is_told_without_its_comments():
    assert normal_form.of_template("{#- why -#}\n{% if a %}  b{% endif %}") == "{% if a %} b{% endif %}"


def test_modules_are_followed_through_those_that_they_import(tmp_path):
    for name, text in {"own/a.py": "import own.b", "own/b.py": "import json", "other/c.py": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = normal_form.modules_of("from own import a\nimport other.c", tmp_path, ("own",))
    assert found == [tmp_path / "own" / "a.py", tmp_path / "own" / "b.py"]
