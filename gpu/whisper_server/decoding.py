"""One decode at a time for all streams: finals in order of arrival, everything else only when nothing waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from whisper_server.decoder import Transcript, Utterance
from whisper_server.errors import DecodeError
from whisper_server.metrics import QUEUE_DEPTH

Decode = Callable[[Utterance], Transcript | None]
Decoded = asyncio.Future[Transcript | None]


class DecodeQueue:
    """The line before the model. `run` works it off in one thread of the executor."""

    def __init__(self, decode: Decode, executor: Executor) -> None:
        self._decode = decode
        self._executor = executor
        self._waiting: asyncio.Queue[tuple[Utterance, Decoded]] = asyncio.Queue()
        self._busy = False

    def submit(self, utterance: Utterance) -> Decoded:
        """Put an utterance in line; the future gives its transcript, or raises `DecodeError`."""
        decoded: Decoded = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((utterance, decoded))
        QUEUE_DEPTH.set(self._waiting.qsize())
        return decoded

    @property
    def idle(self) -> bool:
        """True when a decode submitted now would start at once."""
        return not self._busy and self._waiting.empty()

    @property
    def no_line(self) -> bool:
        """True when nothing waits; one decode may be running."""
        return self._waiting.empty()

    async def run(self) -> None:
        """Decode for ever, one utterance after another; those whose future was cancelled are skipped."""
        while True:
            utterance, decoded = await self._waiting.get()
            QUEUE_DEPTH.set(self._waiting.qsize())
            if decoded.cancelled():
                continue
            self._busy = True
            await self._one(utterance, decoded)
            self._busy = False

    async def _one(self, utterance: Utterance, decoded: Decoded) -> None:
        running = asyncio.get_running_loop().run_in_executor(self._executor, self._decode, utterance)
        await asyncio.wait([running])
        if decoded.cancelled():
            return
        fault = running.exception()
        if fault is None:
            decoded.set_result(running.result())
        else:
            decoded.set_exception(DecodeError(f"{type(fault).__name__}: {fault}"))
