"""Policies that assets and jobs share, each with its why."""

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from settings import RomiError, TransientError

# DuckDB takes one writer a file, and publishing reads all of them: runs take turns.
POOL = "warehouse_write"

RETRIES = 3

# Priority orders what is queued when the queue is looked at; the limit on older days in dagster.yaml keeps places free
# for what turns up later.
_CLASS = "romi/class"
URGENT = {"dagster/priority": "10", _CLASS: "urgent"}


def older(place: int) -> dict[str, str]:
    """The tags of a rebuild of older days, which go in ascending order, since later days read earlier ones."""
    return {"dagster/priority": str(-1 - place), _CLASS: "older"}


def described(decorator: Callable[..., Any], **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A sensor or schedule that the UI describes by the first paragraph of its function's docstring.

    Args:
        decorator: Dagster's, such as ``dg.sensor``, which reads no docstring; `options` are for it.
    """

    def make(function: Callable[..., Any]) -> Any:
        words = (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")
        return decorator(**options, description=words)(function)

    return make


@contextmanager
def only_what_may_pass_is_retried(attempt: int) -> Iterator[None]:
    """A lock may be let go and a disk be freed, so wait longer each time; bad data stays bad, and nobody retries it."""
    try:
        yield
    except TransientError as error:
        wait = random.uniform(0, 2 ** (attempt + 1))
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=wait) from error
    except RomiError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
