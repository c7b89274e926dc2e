"""What is to be heard by the caller: speech in whole frames, popped by the media clock, one frame at a time.

Positions count the samples of speech put since the call began; `played` of them have been written to the wire. A frame
once written cannot be taken back; everything after it can."""

from collections import deque

import trio

from callengine.media.audio import FRAME_BYTES, FRAME_SAMPLES, fade_in, fade_out


class Playout:
    """One writer (the speaker), one reader (the media clock)."""

    __slots__ = (
        "_chunks",
        "_offset",
        "_paused",
        "_reached",
        "_rising",
        "_sounding",
        "_tail",
        "_wanted",
        "first",
        "played",
        "queued",
    )

    def __init__(self) -> None:
        self._chunks: deque[memoryview] = deque()
        self._offset = 0
        self._paused = False
        self._tail = b""  # the one frame that falls to silence, sent before anything else
        self._rising = False  # the next frame rises from silence
        self._sounding = False  # the last frame given was speech: a cut would click
        self._wanted = -1
        self._reached = trio.Event()
        self.queued = 0
        self.played = 0
        self.first = -1  # where an answer begins, until the clock has played from there

    @property
    def speaking(self) -> bool:
        """Speech is going out now."""
        return not self._paused and bool(self._chunks)

    def put(self, slin: bytes) -> None:
        """Add speech: whole frames of 8 kHz slin."""
        assert len(slin) % FRAME_BYTES == 0, "playout takes whole frames"
        if slin:
            self._chunks.append(memoryview(slin))
            self.queued += len(slin) >> 1

    def next_frame(self) -> bytes | memoryview | None:
        """The frame to write now, or None for silence. The clock's call; counts the frame as played."""
        if self._tail:
            tail, self._tail = self._tail, b""
            self._sounding = False
            return tail
        if self._paused or not self._chunks:
            self._sounding = False
            return None
        chunk = self._chunks[0]
        offset = self._offset
        frame = chunk[offset : offset + FRAME_BYTES]
        offset += FRAME_BYTES
        if offset == len(chunk):
            self._chunks.popleft()
            offset = 0
        self._offset = offset
        self.played += FRAME_SAMPLES
        self._sounding = True
        if 0 <= self._wanted <= self.played:
            self._wake()
        if self._rising:
            self._rising = False
            return fade_in(frame)
        return frame

    def refused(self) -> None:
        """The wire is closed and did not take the frame just given: nobody has heard it."""
        if self._sounding:
            self.played -= FRAME_SAMPLES

    def pause(self) -> None:
        """Stop within a frame, with a fade; what is left stays for `resume`."""
        self._fall()
        self._paused = True

    def resume(self) -> None:
        """Go on where `pause` stopped, rising over one frame (which was heard falling, unless nothing was yet)."""
        if self._paused:
            self._paused = False
            self._rising = bool(self._chunks) and not self._tail
            self._tail = b""

    def flush(self) -> None:
        """Stop within a frame, with a fade, and drop the rest."""
        self._fall()
        self._paused = False
        self._chunks.clear()
        self._offset = 0
        self.queued = self.played
        self.first = -1
        self._wake()

    async def wait_played(self, position: int) -> None:
        """Return once `played` has reached `position`, or a flush made that impossible."""
        if self.played >= position:
            await trio.lowlevel.checkpoint()
            return
        self._reached = trio.Event()
        self._wanted = position
        await self._reached.wait()

    def _fall(self) -> None:
        """Let speech that sounds now fall to silence over the frame at the head, which stays unplayed."""
        self._rising = False
        if self.speaking and self._sounding:
            self._tail = fade_out(self._chunks[0][self._offset : self._offset + FRAME_BYTES])

    def _wake(self) -> None:
        self._wanted = -1
        self._reached.set()
