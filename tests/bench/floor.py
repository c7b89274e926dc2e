"""The floor under the media plane: a read and a write per call and frame and nothing else, on the same machine.

No Trio, no detector, no call: what a frame of it is late by, kernel and machine are late by. The engine's rows are read
against this one. `python -m tests.bench.floor` prints its address and serves until it is ended."""

import gc
import json
import socket
import time
from contextlib import suppress

from callengine.media.port import SEND_BUFFER_BYTES

PHASES, PHASE_SECONDS = 4, 0.005
SPEECH = b"\x10\x01\x40" + b"\x00\x10" * 160
READ_BYTES = 16384


def main() -> None:
    """Serve for ever."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setblocking(False)
        host, port = listener.getsockname()
        print(json.dumps({"host": host, "port": port}), flush=True)  # noqa: T201
        gc.freeze()
        gc.disable()
        _serve(listener)


def _serve(listener: socket.socket) -> None:
    phases: tuple[list[socket.socket], ...] = tuple([] for _ in range(PHASES))
    began, tick = time.monotonic(), 0
    while True:
        tick += 1
        time.sleep(max(0.0, began + tick * PHASE_SECONDS - time.monotonic()))
        missed = int((time.monotonic() - began) / PHASE_SECONDS) - tick
        for phase in range(min(missed + 1, PHASES)):
            _exchange(phases[(tick + missed - phase) % PHASES])
        tick += missed
        with suppress(BlockingIOError):
            line, _ = listener.accept()
            line.setblocking(False)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            min(phases, key=len).append(line)


def _exchange(lines: list[socket.socket]) -> None:
    buffer = bytearray(READ_BYTES)
    for line in lines:
        with suppress(OSError):  # nothing has come, no room, or the caller has gone
            line.send(SPEECH)
        with suppress(OSError):
            line.recv_into(buffer)


if __name__ == "__main__":
    main()
