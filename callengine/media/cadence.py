"""Is it slin that comes as slin? Told by time, for a header says nothing of it.

`Dial(AudioSocket/…)` without `c()` sends the caller's own codec under 0x10, the kind of 8 kHz slin (Asterisk's
res_audiosocket.c marks so every format it has no kind for). Its packets hold half the bytes that time wants (A-law,
µ-law, G.722: 160 in 20 ms) or fewer; the same 160 bytes at twice the rate are slin in 10 ms packets."""

from callengine.media.audio import RATE

WATCHED_SECONDS = 1.0  # of audio without a hole
HOLE_SECONDS = 0.050  # one lost packet of 20 ms is none; mute, DTX and heavy loss are
SLIN_SHARE = 0.6  # of the samples that time wants: an 8-bit codec has 0.5, slin 1.0

MEND = (
    "the dialplan sends the caller's codec, not slin: write Dial(AudioSocket/host:port/uuid/c(slin)), "
    "or use the application AudioSocket()"
)


class Cadence:
    """Watches audio messages of 8 kHz until one second of them without a hole has told what they are."""

    __slots__ = ("_began", "_last", "_samples", "decided")

    def __init__(self) -> None:
        self._began = self._last = -1.0
        self._samples = 0
        self.decided = False

    def too_thin(self, slin_bytes: int, now: float) -> bool:
        """Take one message of so many bytes. True when a second of them has shown that they cannot be slin."""
        if self.decided:
            return False
        if now - self._last > HOLE_SECONDS or now == self._began:
            self._began, self._samples = now, 0  # what comes first is of the time before: it does not count
        else:
            self._samples += slin_bytes // 2
        self._last = now
        watched = now - self._began
        if watched < WATCHED_SECONDS:
            return False
        self.decided = True
        return self._samples < SLIN_SHARE * watched * RATE
