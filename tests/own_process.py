"""A stand-in server in a process of its own: it says on its standard output where it listens, and ends with its
standard input, so that none is left behind by a test that was killed."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import grpc.aio


@contextmanager
def in_own_process(module: str, *arguments: str) -> Iterator[str]:
    """Run `python -m MODULE ARGUMENTS`; gives the line in which it says where it listens."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


async def serve_grpc(server: grpc.aio.Server) -> None:
    """The other side of it, for a server of gRPC's: on a free port of loopback, until standard input closes."""
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)  # noqa: T201
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)
