"""The demo Store as a child process, shared by the tests of a module: starting one takes a second or two."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from callengine.services.children import python_child

STORE = tuple(python_child("callengine.services.demo_store", "--port", "0"))


@contextmanager
def running_store(token: str = "", *arguments: str) -> Iterator[str]:
    """A demo Store in memory; gives its base URL. It must end by itself, with status 0, when its input is closed."""
    environment = {**os.environ, "STORE_API_TOKEN": token}
    with subprocess.Popen(
        [*STORE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield f"http://{json.loads(child.stdout.readline())['listening']}/api/v1"
        child.stdin.close()
        assert child.wait(timeout=60) == 0
