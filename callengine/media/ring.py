"""The caller's un-finalised audio: a bounded ring of 8 kHz slin with absolute sample positions.

It grows by the second (blocks of one second) up to `MAX_SECONDS`; beyond that the oldest second is dropped and counted.
Position 0 is the call's first sample, and `end / 8000` is call time."""

from collections import deque
from collections.abc import Callable

import trio

from callengine.media.audio import RATE

BLOCK_SAMPLES = RATE
BLOCK_BYTES = BLOCK_SAMPLES * 2
MAX_SECONDS = 60


class Ring:
    """One writer (the media clock), one reader (the recognizer) and the voice detector looking on."""

    __slots__ = ("_blocks", "_fill", "_ready", "_wanted", "dropped", "end", "on_full", "start")

    def __init__(self) -> None:
        self._blocks: deque[bytearray] = deque((bytearray(BLOCK_BYTES),))
        self._fill = 0  # bytes used of the last block
        self._wanted = -1
        self._ready = trio.Event()
        self.start = 0
        self.end = 0
        self.dropped = 0
        self.on_full: Callable[[bytearray], None] | None = None  # is given each second that is whole, and may keep it

    def append(self, slin: bytes | memoryview) -> None:
        """Add samples at `end`. Wakes the reader when it has what it waits for."""
        size = len(slin)
        fill = self._fill
        if fill + size <= BLOCK_BYTES:
            self._blocks[-1][fill : fill + size] = slin
            self._fill = fill + size
        else:
            self._append_across(slin)
        self.end += size >> 1
        if 0 <= self._wanted <= self.end:
            self.wake()

    def append_silence(self, samples: int) -> None:
        """Add zeros: a hole in the caller's audio keeps its length."""
        while samples > 0:
            part = min(samples, BLOCK_SAMPLES)
            self.append(bytes(part * 2))
            samples -= part

    def read(self, begin: int, end: int) -> bytes:
        """Samples from `begin` (not before `start`) up to `end` (not after `self.end`)."""
        begin = max(begin, self.start)
        end = min(end, self.end)
        if end <= begin:
            return b""
        first, offset = divmod((begin - self.start) * 2, BLOCK_BYTES)
        size = (end - begin) * 2
        if offset + size <= BLOCK_BYTES:
            return bytes(self._blocks[first][offset : offset + size])
        pieces = bytearray()
        for index in range(first, len(self._blocks)):
            pieces += self._blocks[index][offset : offset + size - len(pieces)]
            offset = 0
            if len(pieces) == size:
                break
        return bytes(pieces)

    def release(self, position: int) -> None:
        """Audio before `position` is final: whole blocks below it are let go."""
        while len(self._blocks) > 1 and self.start + BLOCK_SAMPLES <= position:
            self._blocks.popleft()
            self.start += BLOCK_SAMPLES

    async def wait_for(self, position: int) -> None:
        """Return once `end` has reached `position`, or `wake` was called since the last wait ended."""
        if self.end < position and not self._ready.is_set():
            self._wanted = position
            await self._ready.wait()
        else:
            await trio.lowlevel.checkpoint()
        self._wanted = -1
        self._ready = trio.Event()

    def wake(self) -> None:
        """Let the reader look, now or as soon as it waits: something other than the amount of audio has changed."""
        self._wanted = -1
        self._ready.set()

    def _append_across(self, slin: bytes | memoryview) -> None:
        done = 0
        while done < len(slin):
            if self._fill == BLOCK_BYTES:
                self._add_block()
            part = min(BLOCK_BYTES - self._fill, len(slin) - done)
            self._blocks[-1][self._fill : self._fill + part] = slin[done : done + part]
            self._fill += part
            done += part

    def _add_block(self) -> None:
        if self.on_full is not None:
            self.on_full(self._blocks[-1])
        if len(self._blocks) < MAX_SECONDS:
            self._blocks.append(bytearray(BLOCK_BYTES))
        else:
            if self.on_full is not None:
                self._blocks[0] = bytearray(BLOCK_BYTES)
            self._blocks.rotate(-1)  # the oldest second becomes the newest block
            self.start += BLOCK_SAMPLES
            self.dropped += BLOCK_SAMPLES
        self._fill = 0
