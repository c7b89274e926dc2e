"""Faults on purpose: with them the server stands in for Google, or for itself on a bad day, in tests.

`WHISPER_FAULTS` is a list like `limit=20,streams=1`:

    limit=SECONDS        the stream ends after so much audio, or time, as Google's does after 305 s
    no_audio=SECONDS     the stream ends when no message came for so long (always on: 10)
    hang=SECONDS         after so much audio nothing is said any more, not even goodbye
    unavailable=N        the stream breaks off with UNAVAILABLE after N messages of audio
    garbage=N            after N messages of audio comes a response that is not a protobuf message
    slow_finals=SECONDS  finals come so much later
    streams=N            only the first N streams since the start have these faults; the others are well
"""

from dataclasses import dataclass, fields

import grpc

from whisper_server.errors import Refused

NO_AUDIO_SECONDS = 10.0
# Field 15 with a length that goes beyond the end of the message.
GARBAGE = b"\x7a\xff\x01no"
_WHOLE = ("unavailable", "garbage", "streams")


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with streams; None: that fault does not occur."""

    limit: float | None = None
    no_audio: float = NO_AUDIO_SECONDS
    hang: float | None = None
    unavailable: int | None = None
    garbage: int | None = None
    slow_finals: float = 0.0
    streams: int | None = None


HEALTHY = Faults()


def read_faults(text: str) -> Faults:
    """Read the list. Raises ValueError with one line."""
    names = {field.name for field in fields(Faults)}
    values: dict[str, float | int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        if name not in names:
            raise ValueError(f"no fault is called {name!r}; known: {', '.join(sorted(names))}")
        if name in values:
            raise ValueError(f"{name} is given twice")
        values[name] = _number(name, value)
    return Faults(**values)  # type: ignore[arg-type]  # _number gives each field its own type


def _number(name: str, value: str) -> float | int:
    try:
        number = int(value) if name in _WHOLE else float(value)
    except ValueError:
        number = -1
    if not 0 <= number <= 86_400:
        kind = "a whole number" if name in _WHOLE else "a number of seconds"
        raise ValueError(f"{name} must be {kind}, not {value!r}")
    return number


class StreamFaults:
    """What is wrong with one stream that was opened at `opened` on the loop's clock, in seconds."""

    def __init__(self, faults: Faults, too_long: Refused, opened: float) -> None:
        self.of = faults
        self._too_long = too_long
        self._opened = opened
        self._messages = 0
        self._seconds = 0.0

    def before(self, now: float) -> bool:
        """A message of audio has come: tell whether garbage is due. Raises `Refused` where the stream is to end."""
        self._messages += 1
        if self.of.unavailable is not None and self._messages > self.of.unavailable:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")
        if self.of.limit is not None and max(self._seconds, now - self._opened) >= self.of.limit:
            raise self._too_long
        return self.of.garbage is not None and self._messages == self.of.garbage + 1

    def heard(self, seconds: float) -> None:
        """So much audio was in the message."""
        self._seconds += seconds

    @property
    def hung(self) -> bool:
        """True once nothing is said any more."""
        return self.of.hang is not None and self._seconds >= self.of.hang
