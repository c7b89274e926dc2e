"""What a caller puts on the line, 20 ms at a time: recordings, keys, and what a line carries in between. Pure."""

from collections import deque
from dataclasses import dataclass

from callengine.caller import wire
from callengine.caller.ear import speech_end

KEY_FRAMES = 6  # a key is held for 120 ms
KEY_PAUSE_FRAMES = 4  # and the next one is pressed 80 ms after


@dataclass(slots=True)
class Saying:
    """A recording on its way out; its speech ends with the frame that ends at byte `speech_bytes`."""

    slin: bytes
    speech_bytes: int
    position: int = 0
    done: bool = False


@dataclass(slots=True)
class Pressing:
    """A key on its way: a hole while it is down, its message at release, audio again before the next."""

    digit: str
    ticks: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """20 ms of the caller. `asked`: with this the caller's speech, or key, has ended."""

    slin: bytes = b""
    digit: str = ""
    key_down: bool = False
    asked: bool = False


class Mouth:
    """The caller's side of the line. `sends_silence`: a telephone without silence suppression."""

    def __init__(self, *, sends_silence: bool) -> None:
        self._silence = Tick(wire.LINE_SILENCE if sends_silence else b"")
        self._doing: deque[Saying | Pressing] = deque()

    def say(self, slin: bytes) -> Saying:
        """Speak 8 kHz slin after what is already waiting; its last frame is filled up with zeros."""
        frames = slin + bytes(-len(slin) % wire.FRAME_BYTES)
        saying = Saying(frames, speech_end(frames), done=not frames)
        if slin:
            self._doing.append(saying)
        return saying

    def press(self, digits: str) -> list[Pressing]:
        """Press keys one after another. Raises ValueError, and presses none, where one is no telephone key."""
        if wrong := [digit for digit in digits if digit not in wire.DIGITS]:
            raise ValueError(f"{wrong[0]!r} is not a telephone key: 0-9 * # A-D are")
        keys = [Pressing(digit) for digit in digits]
        self._doing.extend(keys)
        return keys

    def tick(self) -> Tick:
        """The next 20 ms."""
        if not self._doing:
            return self._silence
        doing = self._doing[0]
        tick = self._speak(doing) if isinstance(doing, Saying) else self._press(doing)
        if doing.done:
            self._doing.popleft()
        return tick

    def _speak(self, saying: Saying) -> Tick:
        start, saying.position = saying.position, saying.position + wire.FRAME_BYTES
        saying.done = saying.position >= len(saying.slin)
        return Tick(saying.slin[start : saying.position], asked=saying.position == saying.speech_bytes)

    def _press(self, key: Pressing) -> Tick:
        key.ticks += 1
        key.done = key.ticks == KEY_FRAMES + KEY_PAUSE_FRAMES
        if key.ticks > KEY_FRAMES:
            return self._silence
        released = key.ticks == KEY_FRAMES
        return Tick(digit=key.digit if released else "", key_down=True, asked=released)
