"""The ten questions of the finance guide: each query can be asked, and its answer is the report's."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from operations.reports.marts import opened
from operations.reports.report import content

_GUIDE = (Path(__file__).parents[3] / "docs" / "finance.md").read_text()
_QUESTIONS = _GUIDE[_GUIDE.index("## Ten questions") :]
_QUERIES = dict(re.findall(r"^\*\*(\d+|And what is)[^\n]*\n.*?```sql\n(.*?)```", _QUESTIONS, re.DOTALL | re.MULTILINE))


def test_there_are_ten_and_one():
    assert list(_QUERIES) == [*map(str, range(1, 11)), "And what is"]


@pytest.mark.parametrize("number", [one for one in _QUERIES if one != "8"])
def test_a_question_has_an_answer(ask, number):
    assert ask(_QUERIES[number])


def test_nothing_differs_from_the_ledger(ask):
    assert ask(_QUERIES["8"]) == []


def test_the_queries_say_what_the_report_says(version, ask):
    with opened(version) as marts:
        tables = content(marts, date(2026, 9, 1)).tables
    months = {row["month"]: (row["spend"], row["net_revenue"], row["margin"]) for row in tables["months"].rows}
    assert {row[0]: row[1:4] for row in ask(_QUERIES["1"])} == months
    spans = {row["name"]: row["span"] for row in tables["models"].rows}
    assert {row[1]: row[4] for row in ask(_QUERIES["10"]) if row[0] == date(2026, 9, 1)} == spans
    waiting = {row["name"]: row["waiting"] for row in tables["waiting"].rows}
    assert {row[1]: row[3] for row in ask(_QUERIES["And what is"]) if row[0] == date(2026, 9, 1)} == waiting
    cac = {row["name"]: row["cac"] for row in tables["channels"].rows if row["cac"] is not None}
    asked = {row[1]: row[4] for row in ask(_QUERIES["3"]) if row[0] == date(2026, 9, 1)}
    assert asked == pytest.approx(cac)
