"""The process that examines: it imports Great Expectations at once, then reads a request a line and answers each.

It is a process of its own because the import takes seconds, which pass beside the build when it is started early, and
because what Great Expectations registers and prints stays out of the run. It ends when its input does, whatever it
is doing: no examination outlives a run that was killed.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any


def main() -> None:
    """Answer requests until the input ends. What libraries print goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.nice(4)  # whoever builds goes first, but waits for this in the end
    lines = _listen()
    gc.set_threshold(50_000, 20, 50)  # what an import makes is never garbage
    from quality.expectations import docs, suites

    while True:
        request: dict[str, Any] = json.loads(lines.get())
        try:
            before = Path(request["before"]) if request["before"] else None
            done = suites.examine(Path(request["folder"]), before)
            at = datetime.fromisoformat(request["at"]).astimezone(UTC)
            docs.write(Path(request["docs"]), done, request["version"], at)
            answer: dict[str, Any] = {"findings": [asdict(one) for one in done.findings]}
        except Exception as error:  # its text may quote the data
            answer = {"error": f"{type(error).__name__} in {_where(error)}"}
        answers.write(json.dumps(answer) + "\n")


def _listen() -> SimpleQueue[str]:
    """The lines of the input as they come; where it ends, so does this process, even amid an examination."""
    lines: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return lines


def _where(error: BaseException) -> str:
    """The innermost place of ours."""
    place, frame = "worker", error.__traceback__
    while frame:
        name = frame.tb_frame.f_globals.get("__name__", "")
        if name.startswith("quality."):
            place = f"{name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place


if __name__ == "__main__":
    main()
