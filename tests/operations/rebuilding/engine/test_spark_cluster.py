"""A standalone cluster on this machine, of pyspark's own parts: who may use it, and what a lost worker changes."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from operations.rebuilding.engine import Event
from operations.rebuilding.engine.spark_session import session
from settings import TransientError
from settings.engine import SPARK_VARIABLE
from tests.operations.rebuilding.engine.both_engines import WINDOWS, built, differences, made

pyspark = pytest.importorskip("pyspark")
pytest.importorskip("dbt.adapters.spark")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")]

_LONGEST = 120  # seconds for a part to come up
_WORKER = ("worker.Worker", "--cores", "1", "--memory", "1g")
_HALF_WAY = 25  # models of a build's fifty


@dataclass
class Part:
    """A master or a worker: a process in a group of its own, with the executors that it starts."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    heard: threading.Condition = field(default_factory=threading.Condition)

    def listen(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self.heard:
                self.said.append(line)
                self.heard.notify_all()

    def wait_for(self, words: str, times: int = 1) -> None:
        """Until it has said that, so often."""
        with self.heard:
            told = self.heard.wait_for(lambda: sum(words in line for line in self.said) >= times, _LONGEST)
        assert told, "".join(self.said[-30:])

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def started(folder: Path, secret: str, *arguments: str) -> Iterator[Part]:
    """A part of a cluster that listens on loopback alone and speaks to nobody without the secret."""
    folder.mkdir(parents=True)
    told = {
        "spark.authenticate": "true", "spark.authenticate.secret": secret, "spark.network.crypto.enabled": "true",
        "spark.master.rest.enabled": "false", "spark.ui.enabled": "false", "spark.local.dir": str(folder / "local"),
    }  # fmt: skip
    properties = folder / "spark.conf"
    properties.touch(mode=0o600)
    properties.write_text("".join(f"{name} {value}\n" for name, value in told.items()))
    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_CONF_DIR": str(folder),
        "SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
    }  # fmt: skip
    kind, *others = arguments
    # Its group ends with this process, whatever ends this.
    watched = ["sh", "-c", '"$@" & cat > /dev/null; kill -9 0', "sh"]
    command = [*watched, home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1",
               "--webui-port", "0", "--properties-file", properties, *others]  # fmt: skip
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    part = Part(process)
    threading.Thread(target=part.listen, daemon=True).start()
    try:
        yield part
    finally:
        part.kill()


@contextmanager
def master_of(folder: Path, secret: str) -> Iterator[tuple[str, Part]]:
    """The address of a master, and itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started(folder / "master", secret, "master.Master", "--port", str(port)) as master:
        master.wait_for("New state: ALIVE")
        yield f"spark://127.0.0.1:{port}", master


def test_a_cluster_lets_nobody_in_who_does_not_know_its_secret(tmp_path, monkeypatch):
    secret = secrets.token_hex(16)
    with master_of(tmp_path, secret) as (address, master):
        settings = made(tmp_path, "spark", spark={"master": address})
        monkeypatch.setenv(SPARK_VARIABLE, secret)
        with session(settings, "eu", tmp_path / "in"):
            master.wait_for("Registered app romi eu")
        monkeypatch.setenv(SPARK_VARIABLE, "another")
        with pytest.raises(TransientError, match="knows another secret"), session(settings, "eu", tmp_path / "out"):
            pass
        assert sum("Registered app" in line for line in master.said) == 1


def test_a_worker_that_is_killed_half_way_through_a_build_changes_no_table(tmp_path, monkeypatch):
    secret = secrets.token_hex(16)
    monkeypatch.setenv(SPARK_VARIABLE, secret)
    with ExitStack() as stack:
        address, master = stack.enter_context(master_of(tmp_path / "cluster", secret))
        workers = [
            stack.enter_context(started(tmp_path / "cluster" / name, secret, *_WORKER, address))
            for name in ("one", "other")
        ]
        master.wait_for("Registering worker", times=2)
        heard = []

        def kill_one_half_way(event: Event) -> None:
            heard.append(event["data"]["node_info"]["unique_id"])
            if len(heard) == _HALF_WAY:
                for worker in workers:  # each has had its part in it until now
                    worker.wait_for("Asked to launch executor")
                workers[0].kill()

        sides = [made(tmp_path, "duckdb"), made(tmp_path, "spark", spark={"master": address})]
        built(sides[0], seed=7, windows=WINDOWS[:1])
        built(sides[1], seed=7, windows=WINDOWS[:1], on_event=kill_one_half_way)
        master.wait_for("Telling app of lost executor")
        assert len(heard) > _HALF_WAY
        assert workers[1].process.poll() is None, "the other one ended the build"
    assert differences(*sides) == {}
