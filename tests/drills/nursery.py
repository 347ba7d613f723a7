"""A warm process that forks the ones to be killed, so that a kill costs no start of Python and no imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NURSERY = """
import json, os, signal, sys, time, traceback
exec(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    code, seconds = json.loads(line)
    begun = time.monotonic()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            exec(code)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    ended, how = os.waitpid(child, os.WNOHANG if seconds is not None else 0)
    while not ended:
        if time.monotonic() - begun > seconds:
            os.kill(child, signal.SIGKILL)
            ended, how = os.waitpid(child, 0)
        else:
            time.sleep(0.001)
            ended, how = os.waitpid(child, os.WNOHANG)
    print(json.dumps([os.waitstatus_to_exitcode(how), time.monotonic() - begun]), flush=True)
"""


class Nursery:
    """Runs code in forks of a process that has done `imports`; nothing there may have started threads."""

    def __init__(self, imports: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY, imports], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n"

    def run(self, code: str, kill_after: float | None = None) -> tuple[int, float]:
        """The exit code, -9 where it was killed after so many seconds, and the seconds it took."""
        self._process.stdin.write(json.dumps([code, kill_after]) + "\n")
        self._process.stdin.flush()
        status, seconds = json.loads(self._process.stdout.readline())
        return status, seconds

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
