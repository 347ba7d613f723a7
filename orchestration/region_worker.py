"""The process that builds regions for a run: it reads a task, tells of its steps as it goes, then what became of it.

It works in the warehouse that the run holds, whose lock it inherits, and ends when its input does, whatever it is
doing: to end so at any moment is what every process of the warehouse has to bear.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
import threading
from contextlib import ExitStack, suppress
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.side_by_side import Done, Task


def main() -> None:
    """Answer tasks until the input ends. What libraries print does not come between the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks = _listen()
    gc.set_threshold(50_000, 20, 50)  # what an import makes is never garbage
    with suppress(Exception):  # whatever is wrong with it is told of the first task
        _import()
    while True:
        _answer(answers, _done(tasks.get(), answers))


def _listen() -> SimpleQueue[Task]:
    """The tasks of the input as they come; where it ends, so does this process, even amid a build."""
    tasks: SimpleQueue[Task] = SimpleQueue()

    def listen() -> None:
        try:
            while True:
                tasks.put(pickle.load(sys.stdin.buffer))
        finally:
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return tasks


def _answer(answers: IO[bytes], what: Any) -> None:
    pickle.dump(what, answers)
    answers.flush()


def _import() -> None:
    """Import what a build needs, which takes seconds in which no task need have come."""
    from settings.without_pandas import without_pandas

    with without_pandas():
        from orchestration.jobs import definitions

        definitions()


def _done(task: Task, answers: IO[bytes]) -> Done:
    from operations import run_log
    from operations.error_messages import describe_error
    from operations.lineage.emitter import Emitter
    from operations.progress import listening
    from operations.store import locks
    from operations.store.memory.published import AtStart
    from orchestration.jobs import Jobs
    from orchestration.pipeline import instance
    from orchestration.side_by_side import Done
    from privacy import storage
    from settings.without_pandas import without_pandas

    done, emitter = Done(), Emitter(task.settings)
    nothing_lost = AtStart(frozenset(), {}, [])  # what is stops a region before it is given to anyone
    storage.share_memory(task.processes)
    with ExitStack() as stack:
        stack.enter_context(without_pandas())
        stack.enter_context(run_log.run_of(task.run_id))
        # As JSON, steps are records like others, and written here.
        stack.enter_context(
            run_log.json_lines() if task.is_json else listening(lambda step: _answer(answers, step))
        )  # fmt: skip
        try:
            stack.enter_context(locks.for_holder(task.settings))
            journal = stack.enter_context(instance(task.settings))
            jobs = Jobs(journal, task.settings, task.config, done.outcome, {}, True, nothing_lost, emitter)
            jobs.build(task.region, task.windows, whole=task.is_backfill, releases=not task.is_backfill)
        except KeyboardInterrupt:
            done.was_ended = True
        except Exception as error:
            done.outcome.fail(f"{task.region}: rebuild", describe_error(error), type(error).__name__)
    done.unsent = emitter.problem, emitter.unsent
    return done


if __name__ == "__main__":
    main()
