"""Both sides of one call in memory, by the second of call time, until a recorder takes them. Silence is no block.

The caller's side costs the clock nothing: the ring hands over each whole second it has filled. The agent's frames are
copied into a block when they have gone out; where nothing was said there is nothing."""

from collections import deque
from dataclasses import dataclass

from callengine.media.audio import FRAME_BYTES, FRAME_SAMPLES, RATE
from callengine.media.ring import BLOCK_BYTES, Ring

# Frames that follow each other so soon are one run of speech and lie side by side: a clock's tick jitters, a telephone
# does not. A run that fell behind by more than the slack goes on where it is.
RUN_SECONDS = 0.035
SLACK_SAMPLES = 2 * FRAME_SAMPLES
MARGIN_SECONDS = 0.1  # a second is over for both sides by then
MOST_SECONDS = 60  # waiting for the recorder, 2 MB a call at most: a disk that hangs for longer loses some

_LAST_PLACE = BLOCK_BYTES - FRAME_BYTES

Block = bytes | bytearray


@dataclass(frozen=True, slots=True)
class Second:
    """A second of the call, the last one perhaps shorter: slin of either side, None for silence."""

    caller: Block | None
    agent: Block | None
    samples: int = RATE


class Tape:
    """The clock calls `put`, the ring `_take_caller`, a recorder `take` and in the end `finish`."""

    __slots__ = ("_agent", "_base", "_began", "_block", "_caller", "_next", "_put_at", "_ring", "end", "lost_seconds")

    def __init__(self, ring: Ring, began: float) -> None:
        """`began`: call time 0 on the clock. What was said before this is not there."""
        self._ring = ring
        self._began = began
        self._next = 0  # the second that is taken next
        self._caller: deque[Block | None] = deque([None] * (ring.end // RATE))
        self._agent: dict[int, bytearray] = {}
        self._block = bytearray(BLOCK_BYTES)
        self._base = -RATE  # the position of the block's first sample: of none yet
        self._put_at = float("-inf")  # the clock's time of the last frame
        self.end = 0  # the position behind the last frame that went out
        self.lost_seconds = 0
        ring.on_full = self._take_caller

    def put(self, frame: bytes | memoryview, now: float) -> None:
        """A frame of speech has gone out now. The clock's call: no wait, and a new block once a second at most."""
        due = int((now - self._began) * RATE)
        if due > self.end and (now - self._put_at > RUN_SECONDS or due - self.end > SLACK_SAMPLES):
            self.end = due
        self._put_at = now
        place = (self.end - self._base) << 1
        if 0 <= place <= _LAST_PLACE:
            self._block[place : place + FRAME_BYTES] = frame
        else:
            self._put_across(frame)
        self.end += FRAME_SAMPLES

    @property
    def waiting(self) -> int:
        """The caller's whole seconds that were not taken yet."""
        return len(self._caller)

    def take(self, now: float) -> list[Second]:
        """The seconds that are over for both sides and were not taken yet."""
        over = int(now - self._began - MARGIN_SECONDS) - self._next
        return [self._take_second() for _ in range(min(len(self._caller), over))]

    def finish(self) -> list[Second]:
        """Whatever is left; nothing comes after it."""
        self._ring.on_full = None
        heard = self._ring.end
        end = max(heard, self.end)
        seconds = []
        while (begin := self._next * RATE) < end:
            if not self._caller:
                rest = self._ring.read(begin, heard) if begin < heard else b""
                self._caller.append(rest.ljust(BLOCK_BYTES, b"\0") if rest else None)
            second = self._take_second()
            seconds.append(Second(second.caller, second.agent, min(RATE, end - begin)))
        return seconds

    def _take_second(self) -> Second:
        second = Second(self._caller.popleft(), self._agent.pop(self._next, None))
        self._next += 1
        return second

    def _take_caller(self, block: bytearray) -> None:
        """The ring has filled a second, and leaves it as it is from now on."""
        if len(self._caller) < MOST_SECONDS:
            self._caller.append(block)
        else:
            self._caller.append(None)
            self.lost_seconds += 1

    def _put_across(self, frame: bytes | memoryview) -> None:
        """The frame begins another second, or lies in two."""
        begin, done = self.end, 0
        while done < FRAME_BYTES:
            second, sample = divmod(begin, RATE)
            self._open_block(second)
            place = sample << 1
            part = min(FRAME_BYTES - done, BLOCK_BYTES - place)
            self._block[place : place + part] = frame[done : done + part]
            done += part
            begin += part >> 1

    def _open_block(self, second: int) -> None:
        if self._base == second * RATE:
            return
        self._base = second * RATE
        self._block = self._agent.get(second) or bytearray(BLOCK_BYTES)
        if second < self._next + MOST_SECONDS and second >= self._next:  # else it is too late, or the recorder is
            self._agent[second] = self._block
