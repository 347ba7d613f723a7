"""What a failed run says is its first failed step's innermost error that is ours, or else the innermost."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.failures import cause_of
from settings import TransientError


def _wrapped() -> None:
    try:
        raise OSError("No such file or directory: /run/socket")
    except OSError as error:
        raise TransientError("the database cannot be reached; the next `romi run` delivers") from error


def _foreign() -> None:
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError as error:
        raise ValueError("no such share") from error


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (_wrapped, ("the database cannot be reached; the next `romi run` delivers", "TransientError")),
        (_foreign, ("division by zero", "ZeroDivisionError")),
    ],
)
def test_the_cause_is_told_in_words_for_people_where_there_are_any(broken, said):
    @dg.op
    def step():
        broken()

    @dg.job
    def job():
        step()

    result = job.execute_in_process(raise_on_error=False)
    assert cause_of(result.get_step_failure_events()) == said
