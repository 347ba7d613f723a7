"""An S3 store of this machine, by moto's server: what is asked of it goes over HTTP, as to any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def object_store() -> Iterator[str]:
    """An empty store, and keys to it in the environment.

    Yields:
        Its host and port.
    """
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield "{}:{}".format(*server.get_host_and_port())
    server.stop()


def options(server: str) -> str:
    """What follows the question mark of an address in that store."""
    return f"endpoint_override={server}&scheme=http&region=us-east-1"
