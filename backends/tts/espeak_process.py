"""The engine's end of the process that speaks: started when first needed, started again if it dies or hangs."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from backends.tts import espeak_frames as frames
from callengine.errors import SynthesisError
from callengine.ports.synthesis import SpeechChunk
from callengine.voice.packing import unpack_speech

COMMAND = (sys.executable, "-P", "-m", "backends.tts.espeak_worker")  # -P: not what lies in the working folder
_ANSWER_SECONDS = 10.0  # a prompt of the greatest length takes 0.1 s
_CLOSE_SECONDS = 2.0
_READ_BYTES = 65536


class WorkerGoneError(SynthesisError):
    """The process ended or hung before its answer was complete."""

    def __init__(self, how: str) -> None:
        super().__init__(f"espeak: the process that speaks {how}; it is started again", retryable=True)


class SpeakingProcess:
    """One process at a time, one request at a time."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._process: trio.Process | None = None
        self._unread = bytearray()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def ask(self, request: frames.SpeakRequest) -> None:
        """Send a request; its answer must be read to the end. Raises WorkerGoneError."""
        if self._process is None:
            self._unread.clear()
            self._process = await trio.lowlevel.open_process(
                list(self._command), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert self._process.stdin is not None
        sent = False
        with trio.move_on_after(_ANSWER_SECONDS):
            sent = await _sent(self._process.stdin, frames.encode_request(request))
        if not sent:
            await self.stop()
            raise WorkerGoneError("ended or does not listen")

    async def receive(self) -> SpeechChunk | None:
        """The next piece of the answer, or None at its end. Raises SynthesisError (WorkerGoneError)."""
        with trio.move_on_after(_ANSWER_SECONDS) as patience:
            kind, length = frames.HEADER.unpack(await self._read(frames.HEADER.size))
            payload = await self._read(length)
        if patience.cancelled_caught:
            await self.stop()
            raise WorkerGoneError("does not answer")
        if kind == frames.FAULT:
            raise SynthesisError(f"espeak: {payload.decode()}", retryable=False)
        return unpack_speech(payload) if kind == frames.SPEECH else None

    async def stop(self) -> None:
        """End the process; the next request starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        with trio.move_on_after(_CLOSE_SECONDS, shield=True):
            process.kill()
            await process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    await pipe.aclose()

    async def _read(self, size: int) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        while len(self._unread) < size:
            data = await self._process.stdout.receive_some(_READ_BYTES)
            if not data:
                await self.stop()
                raise WorkerGoneError("ended")
            self._unread += data
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken


async def _sent(pipe: trio.abc.SendStream, data: bytes) -> bool:
    try:
        await pipe.send_all(data)
    except trio.BrokenResourceError:
        return False
    return True


@asynccontextmanager
async def open_speaking_process(command: tuple[str, ...] = COMMAND) -> AsyncIterator[SpeakingProcess]:
    """A process that speaks, not started yet; ended with the block."""
    process = SpeakingProcess(command)
    try:
        yield process
    finally:
        with trio.move_on_after(_CLOSE_SECONDS, shield=True):
            await process.stop()
