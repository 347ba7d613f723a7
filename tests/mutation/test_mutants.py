"""Mutants change what they name and nothing else; of those of the models, most are noticed by a test."""

import subprocess
import sys

import pytest

from tests.mutation.judge import ROOT, models_of
from tests.mutation.mutants import model_of, mutants_of, mutated

TOLD = '/* {"app": "dbt", "node_id": "model.romi.romi_daily"} */ '


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("select a from t where a < 1 and b", ["a <= 1 and b", "a < 2 and b", "a < 1 or b"]),
        ("select sum(a) - 1 from t", ["max(a) - 1", "sum(a) + 1", "sum(a) - 2"]),
        ("select a from t left join u using (a)", ["t  join u"]),
        ("select a from t join u using (a)", ["t left join u"]),
        ("select a from t where a is not null", ["a is  null"]),
        ("select a from t where a is null", ["a is not null"]),
        ("select count(*)::decimal(38, 0), a * b from t", ["sum(*)::decimal(38, 0), a * b", "a + b"]),
        ("select a from t where day between '2026-03-01' and '2026-03-02'", []),
        ("select 'a < b and sum(c)' as text, \"sum\"", []),
    ],
)
def test_a_mutant_is_one_slip_of_the_hand(sql, changed):
    found = [sql[:first] + mutant.instead + sql[last + 1 :] for mutant, first, last in mutants_of("m", sql)]
    assert len(found) == len(changed)
    for text, part in zip(found, changed, strict=True):
        assert part in text


def test_a_mutant_is_the_same_one_whatever_the_days_and_leaves_other_statements_alone():
    march, april = (f"select a from t where day = '2026-{month}-01' and a > 0" for month in ("03", "04"))
    one = next(mutant for mutant, *_ in mutants_of("m", march) if mutant.token == ">")
    assert mutated(april, one) == "select a from t where day = '2026-04-01' and a >= 0"
    assert mutated("select b > 0", one) == "select b > 0"


def test_only_what_changes_a_models_rows_is_mutated():
    assert model_of(TOLD + "insert into a select 1") == "romi_daily"
    assert model_of(TOLD + "select max(rowid) from a") is None
    assert model_of("insert into a select 1") is None


def test_all_models_of_money_attribution_and_privacy_are_meant():
    assert {"int_orders__refunds", "int_attribution__weights", "int_privacy__rules", "romi_daily"} <= models_of()


@pytest.mark.slow
def test_most_mutants_are_noticed():
    """Nine of ten is what we are after; the judge prints those that no test notices yet."""
    told = ["--sample", "40", "--at-least", "60"]
    found = subprocess.run([sys.executable, "-m", "tests.mutation.judge", *told], cwd=ROOT, check=False)
    assert found.returncode == 0
